/** An option, as node's parseArgs takes it, and its meaning for the help. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** It may be repeated, and all of its values count. */
  readonly multiple?: true;
  /** The name of its value, where it takes one. */
  readonly value?: string;
  readonly meaning: string;
}

/** An option that takes a value. */
export const valued = (value: string, meaning: string) => ({ type: 'string', value, meaning }) as const;
/** An option that is there, or not. */
export const flagged = (meaning: string) => ({ type: 'boolean', meaning }) as const;

/**
 * Who needs no sudo for a command: root alone, as it reads the PIN or writes where only root may; the group of the daemon, as
 * the command asks the daemon; or each user.
 */
export type Caller = 'root' | 'group' | 'user';

export interface CommandSpec {
  /** One line. */
  readonly meaning: string;
  /** The operands, as the usage line shows them. */
  readonly operands?: { readonly shown: string; readonly least?: number; readonly most: number };
  /** Paragraphs for the help and the manual page. */
  readonly about: readonly string[];
  readonly options?: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly { readonly line: string; readonly meaning?: string }[];
  /** Exit codes of this command, where they say more than those of the tool. */
  readonly exits?: Readonly<Record<number, string>>;
  /** Absent in a tool that knows no daemon. */
  readonly caller?: Caller;
}

/** A command of a tool that has a daemon. */
export type CommandOfDaemon = CommandSpec & Required<Pick<CommandSpec, 'caller'>>;

/** A command line: parsing, help, manual page and completion are derived from this. */
export interface Tool<Name extends string = string> {
  readonly name: string;
  /** The first sentence of its help. */
  readonly purpose: string;
  /** By its name, which has one word or two. */
  readonly commands: Readonly<Record<Name, CommandSpec>>;
  /** Options of every command. */
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Exit codes, where a command has no more exact meaning. */
  readonly exits: Readonly<Record<number, string>>;
  /** The last lines of its help: where to begin. */
  readonly begin: readonly string[];
  /** For its help: one meaning for all commands that begin with this word. */
  readonly families?: Readonly<Record<string, string>>;
  /** Words in capitals that its help explains as it does commands, in paragraphs. */
  readonly topics?: Readonly<Record<string, readonly string[]>>;
}

/** A command with the defaults of the tool filled in. */
export type WholeSpec = CommandSpec & Required<Pick<CommandSpec, 'options' | 'exits'>>;

export const namesOf = <Name extends string>({ commands }: Tool<Name>): readonly Name[] =>
  Object.keys(commands) as Name[];

export const specOf = <Name extends string>({ commands, exits }: Tool<Name>, name: Name): WholeSpec => ({
  options: {},
  exits,
  ...commands[name],
});

/** The words that a command can begin with. */
export const headsOf = (tool: Tool): readonly string[] => [
  ...new Set(namesOf(tool).map((name) => name.split(' ', 1).join())),
];

/** The second words of the commands that begin with this one. */
export const tailsOf = (tool: Tool, head: string): readonly string[] =>
  namesOf(tool).flatMap((name) => (name.startsWith(`${head} `) ? [name.slice(head.length + 1)] : []));
