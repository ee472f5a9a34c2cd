/** The traced position through the layers: the ladder, and beside it every layer in full. */

import { useTrace } from "@/state/trace";
import { Ladder } from "./Ladder";
import { Layers, useReading } from "./Layers";
import styles from "./LayersPanel.module.css";

export function LayersPanel() {
  const { reply, outdated, pending } = useTrace();
  const reading = useReading(reply);
  if (!reply) return null;
  return (
    <div className={styles.result}>
      <Ladder {...{ reply, reading, outdated }} />
      <Layers {...{ reply, outdated, pending }} />
    </div>
  );
}
