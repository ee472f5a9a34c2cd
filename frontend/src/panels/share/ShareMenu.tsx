/** What takes the state of the page elsewhere, and brings it back: links, runs, programs, names. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import {
  BookDown,
  BookUp,
  Download,
  FolderOpen,
  Link2,
  Share2,
  SquareTerminal,
} from "lucide-react";
import { type ComponentType, Suspense } from "react";
import { useModels } from "@/api/queries";
import { IconButton } from "@/components/Button";
import { copyText } from "@/components/CopyButton";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { useCommands } from "@/state/commands";
import { useModel, useReadyModel } from "@/state/model";
import { namesOf, useNames } from "@/state/names";
import { useNotice } from "@/state/notice";
import { onDemand } from "@/state/onDemand";
import { useSession } from "@/state/session";
import { currentView, linkState } from "@/state/sync";
import { encodeLink } from "@/state/url";
import { DropTarget } from "./DropTarget";
import { withActions } from "./later";
import { useShare } from "./store";

const ShareDialogs = onDemand(() => import("./ShareDialogs").then((module) => module.ShareDialogs));

function copyLink(model: string | null): void {
  const { hash, complete } = encodeLink(currentView(), linkState(model));
  const { show } = useNotice.getState();
  copyText(location.href.split("#")[0] + hash).then(
    () =>
      show({
        text: complete
          ? "Link copied: prompt, interventions, groups, names and view."
          : "Link copied, but not all fitted in: names or a long prompt are left out. A saved run has everything.",
      }),
    () =>
      show({ text: "The browser does not allow copying here; the address bar holds the link." }),
  );
}

interface Item {
  id: string;
  title: string;
  note: string;
  Icon: ComponentType;
  /** Why it cannot be chosen now. */
  missing?: string | false;
  run(): void;
}

function useItems(): Item[][] {
  const model = useReadyModel();
  const id = useModel()?.id ?? null;
  const named = useNames((state) => Object.keys(namesOf(state, id)).length);
  const empty = useSession(({ prompt, draft }) => (prompt ?? draft) === "");
  const { show } = useShare.getState();
  const missing = empty ? "there is no prompt yet" : model ? false : "the model is not ready";
  return [
    [
      {
        id: "share.link",
        title: "Copy link",
        note: "prompt, interventions, groups, names and view",
        Icon: Link2,
        run: () => copyLink(id),
      },
    ],
    [
      {
        id: "share.save",
        title: "Save run",
        note: "a file that opens again, here and with --run",
        Icon: Download,
        missing,
        run: () => model && withActions(({ saveRun }) => saveRun(model)),
      },
      {
        id: "share.open",
        title: "Open run…",
        note: "or drop it on the page, or paste it",
        Icon: FolderOpen,
        run: () => show({ kind: "open", problem: null }),
      },
      {
        id: "share.code",
        title: "Copy as Python…",
        note: "with this package or plain transformers",
        Icon: SquareTerminal,
        missing,
        run: () => show({ kind: "code" }),
      },
    ],
    [
      {
        id: "share.names",
        title: "Export names",
        note: named === 1 ? "1 vector has a name" : `${named} vectors have names`,
        Icon: BookDown,
        missing: named === 0 && "no vector of this model has a name",
        run: () => id !== null && withActions(({ exportNames }) => exportNames(id)),
      },
      {
        id: "share.import",
        title: "Import names…",
        note: "they join those that are there",
        Icon: BookUp,
        run: () => show({ kind: "open", problem: null }),
      },
    ],
  ];
}

export function ShareMenu() {
  const items = useItems();
  const dialog = useShare((state) => state.dialog);
  const model = useModel()?.id ?? null;
  const models = useModels().data?.models ?? null;
  useCommands(() =>
    items
      .flat()
      .filter((item) => !item.missing)
      .map(({ id, title, note, run }) => ({ id, title, note, run, group: "Actions" })),
  );
  return (
    <>
      <Menu.Root modal={false}>
        <Menu.Trigger asChild>
          <IconButton label="Share and save">
            <Share2 aria-hidden />
          </IconButton>
        </Menu.Trigger>
        <MenuContent align="end">
          {items.map((group) => (
            <Menu.Group key={group[0]?.id} className={menu.group}>
              {group.map(({ id, title, note, Icon, missing, run }) => (
                <Menu.Item
                  key={id}
                  className={menu.item}
                  disabled={Boolean(missing)}
                  onSelect={run}
                >
                  <Icon aria-hidden />
                  <span className={menu.main}>
                    {title}
                    <small>{missing || note}</small>
                  </span>
                </Menu.Item>
              ))}
            </Menu.Group>
          ))}
        </MenuContent>
      </Menu.Root>
      <DropTarget here={{ models, model }} />
      {dialog && (
        <Suspense>
          <ShareDialogs dialog={dialog} here={{ models, model }} />
        </Suspense>
      )}
    </>
  );
}
