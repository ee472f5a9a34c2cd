/** The head of the page: mark, model, views, and what concerns the page as a whole. */

import { CircleHelp, Search } from "lucide-react";
import { Link } from "wouter";
import { IconButton } from "@/components/Button";
import { NoticeBar } from "@/components/NoticeBar";
import { useNarrow } from "@/lib/hooks";
import { formatKeys } from "@/lib/keys";
import { ShareMenu } from "@/panels/share/ShareMenu";
import { useViewLocation } from "@/state/sync";
import styles from "./Header.module.css";
import { ModelPicker } from "./ModelPicker";
import { ThemeMenu } from "./ThemeMenu";

const VIEWS = [
  { path: "/trace", name: "Trace" },
  { path: "/explore", name: "Explore" },
];

interface Props {
  onHelp(): void;
  onPalette(): void;
}

export function Header({ onHelp, onPalette }: Props) {
  const [path] = useViewLocation();
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
        <button type="button" className={styles.find} aria-haspopup="dialog" onClick={onPalette}>
          <Search aria-hidden />
          <span>Find…</span> <kbd>{formatKeys("mod+k")}</kbd>
        </button>
        <ShareMenu />
        <ThemeMenu />
        <IconButton label="Keyboard shortcuts" keys="?" onClick={onHelp}>
          <CircleHelp aria-hidden />
        </IconButton>
      </div>
    </header>
  );
}
