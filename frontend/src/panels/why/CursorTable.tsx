/** What the lines read where the cursor stands. */

import { TokenText } from "@/components/Token";
import { TokenMark } from "@/components/tokens/TokenMark";
import styles from "./Lines.module.css";
import { describeState, formatValue, type Line, type Measure } from "./lines";

interface Props {
  lines: readonly Line[];
  state: number;
  measure: Measure;
  outdated: boolean;
}

export function CursorTable({ lines, state, measure, outdated }: Props) {
  const both = lines.some((line) => line.edited);
  const value = (run: readonly number[] | null) => {
    const number = run?.[state];
    return (
      <td title={number === undefined ? undefined : String(number)}>
        {number === undefined ? "…" : formatValue(number, measure)}
      </td>
    );
  };
  return (
    <table className={styles.cursor} data-outdated={outdated || undefined} data-testid="cursor">
      <thead>
        <tr>
          <th scope="col" className={styles.state}>
            {describeState(state)}
          </th>
          {both && <th scope="col">unedited</th>}
          <th scope="col">{both ? "edited" : measure}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ token, index, unedited, edited }) => (
          <tr key={token.id}>
            <th scope="row">
              <span className={styles.name}>
                <TokenMark index={index} />
                <TokenText token={token} />
              </span>
            </th>
            {value(unedited)}
            {both && value(edited)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
