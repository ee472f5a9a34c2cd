/** What stands in for the layers while the first trace is on its way. */

import styles from "./Skeleton.module.css";

const LINES = [84, 61, 70, 45, 56, 38, 50, 33];

export function Skeleton() {
  return (
    <div className={styles.skeleton} role="status">
      <span className="visually-hidden">Tracing the prompt…</span>
      {[0, 1, 2].map((layer) => (
        <div key={layer} className={styles.layer} aria-hidden>
          {[0, 1, 2].map((column) => (
            <div key={column}>
              {LINES.map((width) => (
                <div key={width} className={styles.line} style={{ width: `${width}%` }} />
              ))}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
