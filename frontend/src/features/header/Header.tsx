/** The head of the page: mark, model, views, and what concerns the page as a whole. */

import { CircleHelp, Link2 } from "lucide-react";
import { Link } from "wouter";
import { IconButton } from "@/components/Button";
import { copyText } from "@/components/CopyButton";
import { NoticeBar } from "@/components/NoticeBar";
import { useNarrow } from "@/lib/hooks";
import { useModel } from "@/state/model";
import { useNotice } from "@/state/notice";
import { currentView, linkState, useViewLocation } from "@/state/sync";
import { encodeLink } from "@/state/url";
import styles from "./Header.module.css";
import { ModelPicker } from "./ModelPicker";
import { ThemeMenu } from "./ThemeMenu";

const VIEWS = [
  { path: "/trace", name: "Trace" },
  { path: "/explore", name: "Explore" },
];

function share(model: string | null): void {
  const { hash, complete } = encodeLink(currentView(), linkState(model));
  const { show } = useNotice.getState();
  copyText(location.href.split("#")[0] + hash).then(
    () =>
      show({
        text: complete
          ? "Link copied: prompt, interventions, names and view."
          : "Link copied, but not all fitted in: names or a long prompt are left out.",
      }),
    () =>
      show({ text: "The browser does not allow copying here; the address bar holds the link." }),
  );
}

export function Header({ onHelp }: { onHelp(): void }) {
  const [path] = useViewLocation();
  const model = useModel()?.id ?? null;
  const narrow = useNarrow();
  return (
    <header className={styles.header}>
      <h1 className={styles.mark}>
        <svg viewBox="0 0 20 16" aria-hidden>
          <path d="M1 2h8M1 8h12M1 14h18" />
          <circle cx="16" cy="2.5" r="2" />
        </svg>
        LM-Debugger
      </h1>
      <ModelPicker />
      <nav className={styles.views} aria-label="Views">
        {VIEWS.map((view) => (
          <Link
            key={view.path}
            href={view.path}
            className={styles.view ?? ""}
            aria-current={path === view.path ? "page" : undefined}
          >
            {view.name}
          </Link>
        ))}
      </nav>
      {!narrow && <NoticeBar />}
      <div className={styles.tools}>
        <IconButton label="Copy a link to this state" onClick={() => share(model)}>
          <Link2 aria-hidden />
        </IconButton>
        <ThemeMenu />
        <IconButton label="Keyboard shortcuts" keys="?" onClick={onHelp}>
          <CircleHelp aria-hidden />
        </IconButton>
      </div>
    </header>
  );
}
