/**
 * A generated token as a part of the text.
 *
 * Each token is a button of its own, also where several make one character: the character is drawn by
 * the token that it begins in, and those that go on with it lie over their share of its width.
 */

import { type CSSProperties, memo } from "react";
import type { Step } from "@/api/types";
import { TokenText } from "@/components/Token";
import { describeShares, type Place, placeCharacters } from "@/lib/characters";
import { formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import styles from "./GenerateResult.module.css";

interface Placed {
  step: Step;
  place: Place | null;
  /** It lies over a share of what is drawn: how far from where it would come, and how wide, of 1. */
  over: { shift: number; wide: number } | null;
  /** Where the grounds of those that lie over it begin, with the probability of each. */
  grounds: Ground[];
}

interface Ground {
  from: number;
  prob: number;
}

/** The steps, those that only go on with a character together with the one that it begins in. */
export function inCharacters(steps: readonly Step[]): Placed[][] {
  const places = placeCharacters(steps.map(({ token }) => token));
  const groups: Placed[][] = [];
  let end = 1;
  for (const [index, step] of steps.entries()) {
    const place = places[index] ?? null;
    const group = groups.at(-1);
    const share = place?.length === 0 ? place.shares[0] : undefined;
    const drawn = group?.[0]?.place?.length;
    if (group?.[0] && share && drawn) {
      const wide = 1 / share.of / drawn;
      const from = (drawn - 1) / drawn + (share.part - 1) * wide;
      group.push({ step, place, over: { shift: from - end, wide }, grounds: [] });
      group[0].grounds.push({ from, prob: step.prob });
      end = from + wide;
    } else {
      groups.push([{ step, place, over: null, grounds: [] }]);
      end = 1;
    }
  }
  return groups;
}

/** The likelier a token was, the fuller its ground, which lies below the character of all. */
function groundOf(grounds: readonly Ground[]): string {
  const stops = grounds.map(({ from, prob }, at) => {
    const color = `color-mix(in oklch, var(--prob) ${prob * 100}%, transparent)`;
    return `${color} ${from * 100}% ${(grounds[at + 1]?.from ?? 1) * 100}%`;
  });
  return `linear-gradient(var(--along), ${stops.join(", ")})`;
}

interface Props extends Placed {
  details: string;
  stop: boolean;
  looked: boolean;
  traced: boolean;
  parts: boolean;
  onLook(index: number): void;
  onPoint(index: number): void;
  onEnter(): void;
}

export const StepToken = memo(function StepToken(props: Props) {
  const { step, place, over, grounds, details, stop, looked, traced, parts } = props;
  const { onLook, onPoint, onEnter } = props;
  const { index, token, prob } = step;
  const name = describeToken(token);
  const shares = describeShares(place?.shares);
  const words = [
    name,
    shares,
    `probability ${formatProb(prob)}`,
    parts && "here the two runs part",
    traced && "traced",
  ];
  const style = {
    "--shift": over?.shift,
    "--wide": over?.wide,
    "--ground": over ? "none" : groundOf([{ from: 0, prob }, ...grounds]),
  };
  const title = shares ? `${name} · ${shares}` : name;
  return (
    <button
      type="button"
      className={styles.step}
      style={style as CSSProperties}
      title={over ? title : undefined}
      tabIndex={stop ? 0 : -1}
      aria-pressed={looked}
      aria-label={words.filter(Boolean).join(", ")}
      aria-describedby={looked ? details : undefined}
      data-step={index}
      data-over={over ? true : undefined}
      data-parts={parts || undefined}
      data-traced={traced || undefined}
      onMouseEnter={() => onPoint(index)}
      onFocus={() => onLook(index)}
      onClick={(event) => {
        onLook(index);
        if (event.detail === 0) onEnter();
      }}
    >
      {(place?.parts ?? [token]).map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a token never move
        <TokenText key={at} token={part} title={title} flowing />
      ))}
    </button>
  );
});
