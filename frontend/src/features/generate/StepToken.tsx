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
  /** How much of what it draws is its own, of 1: the rest others lie over. */
  until: number;
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
      group.push({ step, place, over: { shift: from - end, wide }, until: 1 });
      group[0].until = Math.min(group[0].until, from);
      end = from + wide;
    } else {
      groups.push([{ step, place, over: null, until: 1 }]);
      end = 1;
    }
  }
  return groups;
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
  const { step, place, over, until, details, stop, looked, traced, parts } = props;
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
    "--share": prob,
    "--shift": over?.shift,
    "--wide": over?.wide,
    "--until": until,
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
