/** What the residual before or after a layer's FFN predicts: its likeliest tokens, in one run or both. */

import { useMemo } from "react";
import type { State } from "@/api/types";
import { MoveRow, ProbRow } from "@/components/ProbRow";
import { movesOf, type TokenMove } from "@/lib/diff";
import { formatNats } from "@/lib/numbers";
import { explainBefore } from "@/lib/words";
import { useModel } from "@/state/model";
import styles from "./LayerRow.module.css";
import type { LayerData, Shared } from "./layerData";

interface Props {
  data: LayerData;
  shared: Shared;
  label: string;
  place: "before" | "after";
}

const NONE: readonly TokenMove[] = [];

export function LayerState({ data, shared, label, place }: Props) {
  const model = useModel();
  const unedited = data.unedited[place];
  const edited = data.edited?.[place] ?? null;
  const comparison = data.comparison?.[place] ?? null;
  const moves = useMemo(
    () => (edited && comparison ? movesOf(comparison, unedited, edited) : NONE),
    [unedited, edited, comparison],
  );
  const compared = shared.reading === "unedited" ? null : comparison;
  const shown = compared && edited ? edited : unedited;
  return (
    <div className={styles[place]} data-column={place}>
      <div className={styles.head}>
        <h4 className={styles.small} title={place === "before" ? explainBefore(model) : undefined}>
          {label}
        </h4>
        {compared ? (
          <Divergence kl={compared.kl} moves={moves} states={[unedited, shown]} />
        ) : (
          <span title={`entropy of the whole distribution: ${shown.entropy} nats`}>
            entropy {formatNats(shown.entropy)}
          </span>
        )}
      </div>
      <ol aria-label={`${label} layer ${data.unedited.layer}`}>
        {compared && shared.reading === "difference" ? (
          <Moves moves={moves} letters={shared.letters} />
        ) : (
          <Tokens state={shown} moves={compared ? moves : NONE} letters={shared.letters} />
        )}
      </ol>
    </div>
  );
}

interface DivergenceProps {
  kl: number;
  moves: readonly TokenMove[];
  states: readonly [State, State];
}

/** How far the edits have moved the state, in a number and in who came and went. */
function Divergence({ kl, moves, states: [unedited, edited] }: DivergenceProps) {
  const count = (kind: TokenMove["kind"]) => moves.filter((move) => move.kind === kind).length;
  const entropies = `entropy ${formatNats(unedited.entropy)} → ${formatNats(edited.entropy)} nats`;
  return (
    <>
      <span className={styles.kl} title={`KL(edited ‖ unedited) ${kl} nats; ${entropies}`}>
        KL {formatNats(kl)}
      </span>
      {count("entered") > 0 && (
        <span title="tokens that entered and left the listed ones">
          {count("entered")} new, {count("left")} out
        </span>
      )}
    </>
  );
}

interface TokensProps {
  state: State;
  moves: readonly TokenMove[];
  letters: Shared["letters"];
}

function Tokens({ state, moves, letters }: TokensProps) {
  const byId = new Map(moves.map((move) => [move.id, move]));
  return state.top.map((token, rank) => (
    <ProbRow
      // biome-ignore lint/suspicious/noArrayIndexKey: a row is a rank, so that bars grow in place
      key={rank}
      token={token}
      move={byId.get(token.id)}
      letter={letters.get(token.id)}
    />
  ));
}

/** Both runs, token by token; below a line those that are no longer among the likeliest. */
function Moves({ moves, letters }: Omit<TokensProps, "state">) {
  const left = moves.findIndex((move) => move.kind === "left");
  const rows = moves.map((move, rank) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a row is a rank, so that bars grow in place
    <MoveRow key={rank} move={move} letter={letters.get(move.id)} />
  ));
  if (left < 0) return rows;
  return [
    ...rows.slice(0, left),
    <li key="out" className={styles.out}>
      out of the top {left}
    </li>,
    ...rows.slice(left),
  ];
}
