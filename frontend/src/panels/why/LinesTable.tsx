/** All numbers behind the chart: a row per state, a column per token and run. */

import { TokenText } from "@/components/Token";
import { TokenMark } from "@/components/tokens/TokenMark";
import styles from "./Lines.module.css";
import { describeState, formatValue, type Line, type Measure } from "./lines";

interface Props {
  lines: readonly Line[];
  states: number;
  measure: Measure;
  outdated: boolean;
}

export function LinesTable({ lines, states, measure, outdated }: Props) {
  const columns = lines.flatMap((line) =>
    line.edited
      ? [
          { line, run: "unedited", values: line.unedited },
          { line, run: "edited", values: line.edited },
        ]
      : [{ line, run: "", values: line.unedited }],
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it
    <div className={styles.scroller} tabIndex={0}>
      <table className={styles.table} data-outdated={outdated || undefined}>
        <caption className="visually-hidden">{measure} of the followed tokens</caption>
        <thead>
          <tr>
            <th scope="col">State</th>
            {columns.map(({ line, run }) => (
              <th scope="col" key={`${line.token.id} ${run}`}>
                <TokenMark index={line.index} /> <TokenText token={line.token} />
                {run && <small>{run}</small>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: states }, (_, state) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the index is the state
            <tr key={state}>
              <th scope="row">{describeState(state)}</th>
              {columns.map(({ line, run, values }) => (
                <td key={`${line.token.id} ${run}`} title={String(values[state])}>
                  {formatValue(values[state] ?? 0, measure)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
