/** The least that a daemon needs, below an empty line. */
export const LEAST = `
[dps]
id_scope = "0ne00000000"
registration_id = "gw-0001"
[hsm]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = "newleaf"
[leaf]
issuer = "inbox"
`;
