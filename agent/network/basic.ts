/** HTTP Basic (RFC 7617). @param password as its file has it: one line end is cut off */
export const basicOf = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password.replace(/\r?\n$/, '')}`).toString('base64')}`;
