/** Seeds of the stories to play: the chosen ones, which differ most, or the first so many (`STORIES=10`). */
export function seeds(...chosen: readonly number[]): readonly number[] {
  const { STORIES } = process.env;
  return STORIES === undefined ? chosen : Array.from({ length: Number(STORIES) }, (_, index) => index + 1);
}
