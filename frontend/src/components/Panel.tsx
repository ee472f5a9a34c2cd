/** A titled area of the frame. Its body scrolls, its head does not. */

import type { ReactNode, Ref } from "react";
import styles from "./Panel.module.css";

interface Props {
  title: string;
  /** In the title's place, for panels that are one of several. */
  tabs?: ReactNode;
  /** Beside the title. */
  note?: ReactNode;
  /** At the far end of the head. */
  tools?: ReactNode;
  className?: string | undefined;
  bodyRef?: Ref<HTMLDivElement>;
  busy?: boolean;
  children: ReactNode;
}

export function Panel({ title, tabs, note, tools, className, bodyRef, busy, children }: Props) {
  return (
    <section className={[styles.panel, className].filter(Boolean).join(" ")} aria-label={title}>
      <header className={styles.head}>
        <h2 className={tabs ? "visually-hidden" : undefined}>{title}</h2>
        {tabs}
        {note && <div className={styles.note}>{note}</div>}
        {tools && <div className={styles.tools}>{tools}</div>}
        {busy && <div className={styles.progress} />}
      </header>
      <div className={styles.body} ref={bodyRef}>
        {children}
      </div>
    </section>
  );
}
