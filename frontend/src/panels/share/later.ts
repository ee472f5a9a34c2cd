/** The way from the first load to what sharing does, which is a later chunk. */

import { useNotice } from "@/state/notice";

/** Run something of the later chunk, or say that it did not come. */
export function withActions(run: (actions: typeof import("./actions")) => unknown): void {
  import("./actions").then(run, () =>
    useNotice
      .getState()
      .show({ text: "This part of the page did not load. Check that the server still runs." }),
  );
}
