/**
 * Pointing at a value vector anywhere shows its top tokens beside it.
 *
 * One card for the whole page: hundreds of vectors are on screen, and each is marked by no more than
 * `data-value`.
 */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { DETAILS_TOP_K, valueQuery } from "@/api/queries";
import { TokenText } from "@/components/Token";
import { ValueLabel } from "@/components/ValueLabel";
import { parseValue, sameValue, type ValueRef } from "@/lib/values";
import { READINGS } from "@/lib/words";
import { useReadyModel } from "@/state/model";
import { useSession } from "@/state/session";
import styles from "./HoverCard.module.css";

const DELAY = 220;
const SHOWN = 12;

interface Target {
  value: ValueRef;
  /** A sub-update with a negative coefficient, which pushes up what its vector suppresses. */
  negative: boolean;
  box: DOMRect;
}

/** The marked element under a resting mouse. */
function usePointedAt(): Target | null {
  const [target, setTarget] = useState<Target | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over: Element | null = null;
    const leave = () => {
      clearTimeout(timer);
      over = null;
      setTarget(null);
    };
    const enter = (event: PointerEvent) => {
      const element = event.target instanceof Element ? event.target.closest("[data-value]") : null;
      if (element === over) return;
      leave();
      if (!(element instanceof HTMLElement) || event.pointerType !== "mouse") return;
      over = element;
      const value = parseValue(element.dataset.value ?? "");
      const negative = element.dataset.negative !== undefined;
      timer = setTimeout(() => {
        if (value && element.isConnected)
          setTarget({ value, negative, box: element.getBoundingClientRect() });
      }, DELAY);
    };
    document.addEventListener("pointerover", enter);
    document.addEventListener("pointerdown", leave, true);
    document.addEventListener("scroll", leave, true);
    document.addEventListener("keydown", leave, true);
    return () => {
      leave();
      document.removeEventListener("pointerover", enter);
      document.removeEventListener("pointerdown", leave, true);
      document.removeEventListener("scroll", leave, true);
      document.removeEventListener("keydown", leave, true);
    };
  }, []);
  return target;
}

export function HoverCard() {
  const target = usePointedAt();
  const selection = useSession((state) => state.selection);
  const model = useReadyModel();
  if (!target || !model || sameValue(selection, target.value)) return null;
  return <Card target={target} model={model.id} />;
}

function Card({ target, model }: { target: Target; model: string }) {
  const { data } = useQuery(valueQuery(model, target.value, DETAILS_TOP_K));
  if (!data) return null;
  const { box, negative } = target;
  const below = box.bottom + 130 < innerHeight;
  return (
    <div
      className={styles.card}
      aria-hidden
      data-testid="hover-card"
      style={{
        left: Math.max(8, Math.min(box.left, innerWidth - 308)),
        ...(below ? { top: box.bottom + 4 } : { bottom: innerHeight - box.top + 4 }),
      }}
    >
      <p className={styles.title}>
        <ValueLabel value={target.value} both />
        <small>
          {negative && "× negative coefficient, "}
          {READINGS[data.reading]}
        </small>
      </p>
      <p className={styles.tokens}>
        {(negative ? data.suppressed : data.promoted).slice(0, SHOWN).map((token) => (
          <TokenText key={token.id} token={token} chip />
        ))}
      </p>
    </div>
  );
}
