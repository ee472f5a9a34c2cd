/** A titled area of the frame. Its body scrolls, its head does not. */

import type { ReactNode, Ref } from "react";
import type { Reading } from "@/api/types";
import styles from "./Panel.module.css";
import { ReadingName } from "./ReadingName";

interface Props {
  title: string;
  /** In the title's place, for panels that are one of several. */
  tabs?: ReactNode;
  /** Of the tokens that it lists; undefined while there are none. */
  reading?: Reading | undefined;
  /** Beside the title. */
  note?: ReactNode;
  /** At the far end of the head. */
  tools?: ReactNode;
  className?: string | undefined;
  bodyRef?: Ref<HTMLDivElement>;
  busy?: boolean;
  children: ReactNode;
}

export function Panel(props: Props) {
  const { title, tabs, reading, note, tools, className, bodyRef, busy, children } = props;
  return (
    <section className={[styles.panel, className].filter(Boolean).join(" ")} aria-label={title}>
      <header className={styles.head}>
        <h2 className={tabs ? "visually-hidden" : undefined}>{title}</h2>
        {tabs}
        {reading && <ReadingName reading={reading} />}
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
