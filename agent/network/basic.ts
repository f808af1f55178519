/** HTTP Basic (RFC 7617). @param password as its file has it: one line end is cut off, and the mark that Notepad begins with */
export const basicOf = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password.replace(/^\uFEFF|\r?\n$/g, '')}`).toString('base64')}`;
