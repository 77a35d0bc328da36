export { decodeValue } from './decode.js';
export { fromDrizzleValue, toDrizzleValue } from './drizzle.js';
export { encodeValue } from './encode.js';
