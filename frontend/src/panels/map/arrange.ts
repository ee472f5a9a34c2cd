/** The map's clusters in the order, and with the labels, that were asked for. */

import type { ClusterSummary } from "@/api/types";
import type { Column, Sort } from "@/state/explore";

function meanLayer({ layers, size }: ClusterSummary): number {
  return layers.reduce((sum, count, layer) => sum + count * layer, 0) / Math.max(size, 1);
}

const MEASURES: Record<Column, (cluster: ClusterSummary) => number> = {
  id: (cluster) => cluster.id,
  size: (cluster) => cluster.size,
  layer: meanLayer,
  cohesion: (cluster) => cluster.cohesion,
};

/** Ties go by number. Several words, separated by commas, find clusters with any of them. */
export function arrange(
  clusters: readonly ClusterSummary[],
  { by, descending }: Sort,
  filter: string,
): ClusterSummary[] {
  const words = filter
    .toLowerCase()
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
  const found = clusters.filter(
    ({ label }) =>
      words.length === 0 ||
      label.some(({ text }) => words.some((word) => text.toLowerCase().includes(word))),
  );
  const measure = MEASURES[by];
  const keyed = found.map((cluster) => ({ cluster, key: measure(cluster) }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => sign * (a.key - b.key) || a.cluster.id - b.cluster.id);
  return keyed.map(({ cluster }) => cluster);
}
