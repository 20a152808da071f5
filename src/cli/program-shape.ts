export interface OptionShape {
  /** `--limit`, and `-n` where there is a short form. */
  readonly names: readonly string[];
  readonly doc: string;
  /** True when a value follows. */
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionShape[];
  /** Allowed words of its arguments, where they are limited. */
  readonly words: readonly string[];
  /** Commands whose names follow its own. */
  readonly commands: readonly CommandShape[];
}

/** The whole command line as data, for completion scripts. */
export interface ProgramShape {
  readonly options: readonly OptionShape[];
  readonly commands: readonly CommandShape[];
}
