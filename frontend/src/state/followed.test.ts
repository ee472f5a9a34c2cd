import { beforeEach, describe, expect, it } from "vitest";
import { letterOf, toggleFollowed } from "./followed";
import { useNotice } from "./notice";
import { initialSession, MAX_TOKENS, useSession } from "./session";

const followed = () => useSession.getState().tokens;

describe("following tokens", () => {
  beforeEach(() => {
    useSession.setState(initialSession);
    useNotice.getState().clear();
  });

  it("adds a token at the end, and lets go of it", () => {
    for (const id of [5, 3, 8]) toggleFollowed(id);
    expect(followed()).toEqual([5, 3, 8]);
    toggleFollowed(3);
    expect(followed()).toEqual([5, 8]);
  });

  it("says so when there are as many as can be told apart", () => {
    const all = Array.from({ length: MAX_TOKENS }, (_, id) => id);
    for (const id of all) toggleFollowed(id);
    expect(useNotice.getState().notice).toBeNull();
    toggleFollowed(99);
    expect(followed()).toEqual(all);
    expect(useNotice.getState().notice?.text).toContain(String(MAX_TOKENS));
    toggleFollowed(0);
    toggleFollowed(99);
    expect(followed().at(-1)).toBe(99);
  });

  it("gives letters by place", () => {
    expect([0, 1, MAX_TOKENS - 1].map(letterOf)).toEqual(["A", "B", "H"]);
  });
});
