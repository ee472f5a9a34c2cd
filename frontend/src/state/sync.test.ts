import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { editsOf, initialSession, interventionsOf, useSession } from "./session";
import { startSync } from "./sync";

const session = useSession.getState;
const group = { name: "music", enabled: true, strength: 0.5, folded: false };

/** As the browser does on Back, or when a link is put into the address bar. */
function visit(hash: string): void {
  history.replaceState(null, "", hash);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

beforeEach(() => {
  useSession.setState(initialSession);
  startSync();
  session().trace("The king");
  session().change({ type: "add", ref: { layer: 1, dim: 2 } });
  session().change({ type: "insertGroup", group, cards: interventionsOf(session()) });
});
afterEach(() => useSession.setState(initialSession));

describe("a link", () => {
  it("with the groups that are there leaves the steps of undo alone", () => {
    visit("#/trace?v=1&p=The+king&i=L1D2*off****1&g=1**0.5*music&r=difference");
    expect(session().reading).toBe("difference");
    session().undo();
    expect(editsOf(session()).groups).toEqual([]);
  });

  it("into which no names fitted takes none away", () => {
    visit("#/trace?v=1&p=The+king&i=L1D2*off****1_L3D4*on****7&g=1**0.5*&g=7***");
    expect(editsOf(session()).groups).toMatchObject([
      { id: 1, name: "music" },
      { id: 7, name: "Group 7" },
    ]);
  });

  it("with other groups brings them along", () => {
    visit("#/trace?v=1&p=The+king&i=L1D2*off****1&g=1*x*2*songs");
    expect(editsOf(session()).groups).toEqual([
      { id: 1, name: "songs", enabled: false, strength: 2, folded: false },
    ]);
  });
});
