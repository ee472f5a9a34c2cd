/**
 * A row about one value vector, in any list: its name (or `L12D34`), what is measured of it, its way to
 * Interventions. Choosing it shows its details; arrow keys walk through the rows (`lib/walk`).
 */

import { ArrowRight, Check, Maximize2 } from "lucide-react";
import type { CSSProperties, ReactNode } from "react";
import { Link } from "wouter";
import { sameValue, type ValueRef, valueKey } from "@/lib/values";
import { interventionsOf, useSession } from "@/state/session";
import { valuePath } from "@/state/url";
import styles from "./NodeRow.module.css";
import { ValueLabel } from "./ValueLabel";

/** The same elements in every row, so that React need not look at them when a row changes. */
const ARROW = <ArrowRight aria-hidden />;
const TICK = <Check aria-hidden />;
const PAGE = <Maximize2 aria-hidden />;

interface Props {
  value: ValueRef;
  /** The one that the Tab key reaches; arrow keys go on from there. */
  first: boolean;
  /** `wide` has room for tokens and leads to the vector's page. */
  look?: "compact" | "wide";
  /** Of a sub-update: its sign is in what the row is read as (rule 22). */
  coefficient?: number | undefined;
  /** Of the bar behind the whole row, see `lib/bars`. */
  bar?: CSSProperties;
  /** Its values, right of the name. */
  children: ReactNode;
}

export function NodeRow({ value, first, look = "compact", coefficient, bar, children }: Props) {
  const selected = useSelected(value);
  return (
    <li className={styles.row} data-look={look} data-selected={selected || undefined}>
      <NodeButton
        value={value}
        first={first}
        selected={selected}
        coefficient={coefficient}
        className={bar ? `${styles.open} ${styles.bar}` : (styles.open ?? "")}
        style={bar}
      >
        <span className={styles.label}>
          <ValueLabel value={value} />
        </span>
        {children}
      </NodeButton>
      {look === "wide" && (
        <Link
          href={valuePath(value)}
          className={styles.tool ?? ""}
          tabIndex={-1}
          aria-label={`Open the page of ${valueKey(value)}`}
          title="Open its page (O)"
        >
          {PAGE}
        </Link>
      )}
      <SendButton value={value} className={styles.tool} />
    </li>
  );
}

export const useSelected = (value: ValueRef): boolean =>
  useSession((state) => sameValue(state.selection, value));

interface ButtonProps extends Pick<Props, "value" | "first" | "coefficient" | "children"> {
  selected: boolean;
  className: string | undefined;
  style?: CSSProperties | undefined;
}

/** What the arrow keys stop at. */
export function NodeButton(props: ButtonProps) {
  const { value, first, selected, coefficient, className, style, children } = props;
  const { layer, dim } = value;
  return (
    <button
      type="button"
      className={className}
      style={style}
      data-value={valueKey(value)}
      data-node
      data-negative={(coefficient !== undefined && coefficient < 0) || undefined}
      tabIndex={first ? 0 : -1}
      aria-pressed={selected}
      onClick={() => useSession.getState().select({ layer, dim })}
    >
      {children}
    </button>
  );
}

export function SendButton({
  value,
  className,
}: {
  value: ValueRef;
  className?: string | undefined;
}) {
  const listed = useSession((state) =>
    interventionsOf(state).some((item) => sameValue(item, value)),
  );
  const key = valueKey(value);
  const { layer, dim } = value;
  return (
    <button
      type="button"
      className={`${styles.send} ${className ?? ""}`}
      tabIndex={-1}
      aria-label={listed ? `${key} is in Interventions` : `Send ${key} to Interventions`}
      title={listed ? "In Interventions" : "Send to Interventions (I)"}
      aria-disabled={listed}
      onClick={(event) => {
        // The row around it may be something to choose.
        event.stopPropagation();
        useSession.getState().change({ type: "add", ref: { layer, dim } });
      }}
    >
      {listed ? TICK : ARROW}
    </button>
  );
}
