import { FaissMemoryError } from './faiss-memory-error.ts';

/** The configuration file of an MCP client cannot be read or edited safely. The file is as it was. */
export class ClientFileError extends FaissMemoryError {
  /**
   * @param path the client's file
   * @param problem what is wrong, as a sentence without a subject
   */
  constructor(path: string, problem: string, options: { fix: string; cause?: unknown }) {
    super('CONFIGURATION', `${path} ${problem}; it was not changed`, options);
  }
}
