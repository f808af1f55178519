/**
 * Words that newleaf did not write (of a server, certificate, token or file), for a text of ours: between backticks they would be
 * taken for a command of newleaf, and a terminal would obey an escape sequence, also in a file of ours that a person prints.
 */
export const foreign = (words: string): string => words.replaceAll('`', "'").replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '?');
