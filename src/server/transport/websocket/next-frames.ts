import type { SharedResult } from '../../../graphql/execute/shared-result.js';

/** Takes the frames of one socket. */
export interface SocketSink {
  /** False: more is unsent than is good, so that everything that can wait should. */
  readonly isReady: boolean;
  /**
   * Takes bytes that are whole frames, or continue the ones before. A string has one character for
   * each byte: many small ones are put together with hardly any work, and leave in one write.
   */
  write(bytes: string | Buffer): void;
  /**
   * Calls `listener` each time that it is ready after it was not. Returns the function that ends
   * that.
   */
  onReady(listener: () => void): () => void;
}

/** Past it a payload is not copied into each frame, but written behind each head. */
const COPIED_BYTES = 8 * 1024;

/** The payload, and the brace that ends the message. */
interface Body {
  readonly length: number;
  /** A string of bytes where it is to be copied. */
  readonly bytes: string | Buffer;
}

/**
 * Writes results as `next` frames (unmasked text frames, as servers send them). A result's bytes
 * are made once, however many sockets it goes to; only the operation's id differs, and where not
 * even that does, the frame is the same one.
 */
export class NextFrames {
  readonly #bodies = new WeakMap<SharedResult, Body>();
  #last: { readonly result: SharedResult; readonly body: Body } | null = null;
  #frame: { readonly body: Body; readonly head: string; readonly bytes: string } | null = null;

  /** The bytes before the payload of an operation's messages. */
  headOf(operationId: string): string {
    return byteString(`{"id":${JSON.stringify(operationId)},"type":"next","payload":`);
  }

  /** `result` has no errors. */
  write(sink: SocketSink, head: string, result: SharedResult): void {
    const body = this.#bodyOf(result);
    if (typeof body.bytes === 'string') sink.write(this.#frameOf(head, body, body.bytes));
    else {
      sink.write(frameHeader(head.length + body.length) + head);
      sink.write(body.bytes);
    }
  }

  #bodyOf(result: SharedResult): Body {
    if (this.#last?.result === result) return this.#last.body;
    let body = this.#bodies.get(result);
    if (!body) {
      body = bodyOf(`${result.stringify!()}}`);
      this.#bodies.set(result, body);
    }
    this.#last = { result, body };
    return body;
  }

  #frameOf(head: string, body: Body, payload: string): string {
    const last = this.#frame;
    if (last?.body === body && last.head === head) return last.bytes;
    const bytes = frameHeader(head.length + body.length) + head + payload;
    this.#frame = { body, head, bytes };
    return bytes;
  }
}

function bodyOf(text: string): Body {
  const length = Buffer.byteLength(text);
  if (length > COPIED_BYTES) return { length, bytes: Buffer.from(text) };
  return { length, bytes: length === text.length ? text : byteString(text) };
}

/** The UTF-8 of a text, with a character for each byte. */
function byteString(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** First byte of a final, unmasked text frame (RFC 6455, 5.2). */
function frameHeader(length: number): string {
  if (length < 126) return String.fromCharCode(0x81, length);
  if (length < 65_536) return String.fromCharCode(0x81, 126, length >> 8, length & 255);
  const header = Buffer.alloc(10);
  header[0] = 0x81;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header.toString('latin1');
}
