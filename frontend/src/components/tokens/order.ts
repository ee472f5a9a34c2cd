/** Changes of the order of a list. */

export function moveTo<T>(list: readonly T[], from: number, to: number): T[] {
  const out = [...list];
  out.splice(to, 0, ...out.splice(from, 1));
  return out;
}

export const swapFirst = <T>([first, second, ...rest]: readonly T[]): T[] =>
  [second, first, ...rest].filter((each) => each !== undefined);
