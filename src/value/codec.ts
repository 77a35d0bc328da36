export { decodeValue } from '../../shared/value/decode.js';
export { encodeValue } from '../../shared/value/encode.js';
export { fromDrizzleValue, toDrizzleValue } from './drizzle.js';
