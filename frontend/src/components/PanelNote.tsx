/** Beside a panel's title: the token that is traced, and whether what is shown is out of date. */

import type { Token } from "@/api/types";
import { TokenText } from "@/components/Token";
import styles from "./PanelNote.module.css";

interface Props {
  /** Where the panel is about one position. */
  at?: { position: number; token: Token | undefined };
  outdated: boolean;
  pending: boolean;
}

export function PanelNote({ at, outdated, pending }: Props) {
  return (
    <>
      {at?.token && (
        <>
          after token {at.position} <TokenText token={at.token} chip />
        </>
      )}
      {outdated && (
        <span className={styles.outdated}>{pending ? "out of date, tracing…" : "out of date"}</span>
      )}
    </>
  );
}
