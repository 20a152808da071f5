/** Source of randomness; `crypto.randomBytes` except where a test needs known bytes. */
export type RandomBytes = (size: number) => Buffer;
