/** The palette as the frame has it: loaded once the page is at rest, and no letter lost on the way. */

import { Suspense, useEffect, useEffectEvent, useRef } from "react";
import { onDemand } from "@/state/onDemand";

const load = () => import("./Palette");
const Palette = onDemand(() => load().then((module) => module.default));

/** After what is shown first; failing now, it is asked for again when it is needed. */
const REST = 2_000;

/** What a key opens is there when the key is pressed, also after the server has gone away. */
export function usePreloadedPalette(): void {
  useEffect(() => {
    const timer = setTimeout(() => load().catch(() => undefined), REST);
    return () => clearTimeout(timer);
  }, []);
}

export function PaletteOnDemand({ onClose }: { onClose(): void }) {
  const first = useRef("");
  const keep = (letters: string) => {
    first.current += letters;
  };
  return (
    <Suspense fallback={<TypeAhead onLetter={keep} onClose={onClose} />}>
      <Palette first={() => first.current} onClose={onClose} />
    </Suspense>
  );
}

/** Letters typed before the palette is there belong to it, not to the shortcuts of the page. */
function TypeAhead({ onLetter, onClose }: { onLetter(letter: string): void; onClose(): void }) {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) onLetter(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  useEffect(() => {
    document.addEventListener("keydown", onKey, true);
    return () => document.removeEventListener("keydown", onKey, true);
  }, []);
  return null;
}
