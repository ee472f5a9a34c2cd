/** Generate from the prompt box, with the interventions that are switched on. */

import { useCallback } from "react";
import { forWire } from "./codec";
import { useGeneration } from "./generation";
import { useReadyModel } from "./model";
import { usePrefs } from "./prefs";
import { samplingForWire } from "./sampling";
import { editsOf, useSession } from "./session";

/** null while there is nothing to generate from. */
export function useGenerate(): (() => void) | null {
  const model = useReadyModel();
  const empty = useSession((state) => state.draft === "");
  const generate = useCallback(() => {
    if (!model) return;
    const session = useSession.getState();
    const { newTokens, sampling } = usePrefs.getState();
    void useGeneration.getState().start({
      model: model.id,
      prompt: session.draft,
      interventions: forWire(editsOf(session), model),
      newTokens,
      sampling: samplingForWire(sampling),
    });
  }, [model]);
  return model && !empty ? generate : null;
}
