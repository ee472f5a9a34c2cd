/** What to look at, as long as an example and its vectors are there. */

import { useState } from "react";
import { useExamples } from "@/api/queries";
import type { Example } from "@/api/types";
import { Button } from "@/components/Button";
import { sameValue } from "@/lib/values";
import { useModel } from "@/state/model";
import { interventionsOf, useSession } from "@/state/session";
import { Guide } from "./Guide";
import guide from "./Guide.module.css";

/** The example whose prompt is traced with its vectors changed, by whatever amount. So the note
 * stays while a slider is moved, and comes back with a reload, a link or undo. */
function useLoaded(): Example | undefined {
  const { data } = useExamples();
  const model = useModel()?.id;
  const prompt = useSession((state) => state.prompt);
  const changed = useSession(interventionsOf);
  return data?.find(
    (example) =>
      example.note &&
      example.interventions.length > 0 &&
      (example.model ?? model) === model &&
      example.prompt === prompt &&
      example.interventions.every((item) => changed.some((one) => sameValue(one, item))),
  );
}

/** The note of the example that is loaded, or else the guidance of a first visit. */
export function NoteOrGuide() {
  const example = useLoaded();
  const [read, setRead] = useState<string>();
  if (!example || example.id === read) return <Guide />;
  return (
    <aside className={guide.guide} aria-label="About this example">
      <p>{example.note}</p>
      <Button look="quiet" onClick={() => setRead(example.id)}>
        Close
      </Button>
    </aside>
  );
}
