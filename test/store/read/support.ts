import { ReaderError, type ReaderErrorCode } from "../../../src/store/read/reader-error.ts";

/** The ReaderError that `act` throws; anything else fails the test. */
export function readerError(act: () => unknown): { code: ReaderErrorCode; message: string } {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof ReaderError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
  throw new Error("nothing was thrown");
}
