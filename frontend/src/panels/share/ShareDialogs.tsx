/** The dialogs of sharing; one at a time. */

import { useReadyModel } from "@/state/model";
import type { Here } from "./actions";
import { CodeDialog } from "./CodeDialog";
import { NamesDialog } from "./NamesDialog";
import { OpenDialog } from "./OpenDialog";
import { OtherModelDialog } from "./OtherModelDialog";
import { type ShareDialog, useShare } from "./store";

export function ShareDialogs({ dialog, here }: { dialog: ShareDialog; here: Here }) {
  const model = useReadyModel();
  const onClose = () => useShare.getState().show(null);
  switch (dialog.kind) {
    case "code":
      return model && <CodeDialog model={model} onClose={onClose} />;
    case "open":
      return <OpenDialog problem={dialog.problem} here={here} onClose={onClose} />;
    case "otherModel":
      return <OtherModelDialog {...dialog} model={model} onClose={onClose} />;
    case "names":
      return <NamesDialog {...dialog} model={dialog.model} here={here} onClose={onClose} />;
  }
}
