/** Leafing through a layer: all of its value vectors in their order. */

import type { ReadyModel } from "@/api/queries";
import { Workbench } from "@/components/details/Workbench";
import { useExplore } from "@/state/explore";
import { useSession } from "@/state/session";
import { VectorList } from "./VectorList";

export function LayerView({ model }: { model: ReadyModel }) {
  const chosen = useExplore((state) => state.layer);
  const selected = useSession((state) => state.selection?.layer);
  const layer = Math.min(chosen ?? selected ?? 0, model.n_layers - 1);
  return (
    <Workbench>
      <VectorList
        key={layer}
        model={model}
        layer={layer}
        onLayer={(next) => useExplore.getState().go({ layer: next })}
      />
    </Workbench>
  );
}
