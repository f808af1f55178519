/** In UTC: the sentence is the same on the screen, in the log, and in the portal. @param at wall clock, milliseconds */
export const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
