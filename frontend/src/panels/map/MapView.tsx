/** The map: all clusters of the model in one table, sorted and searched in the page. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, Download, Search } from "lucide-react";
import { type CSSProperties, memo, useDeferredValue, useMemo, useRef } from "react";
import { Link } from "wouter";
import { asApiError } from "@/api/errors";
import { hasClusters, useClusters, useIndex } from "@/api/explore";
import type { ReadyModel } from "@/api/queries";
import type { ClusterSummary, ClustersReply } from "@/api/types";
import { IconButton } from "@/components/Button";
import { ClustersMissing } from "@/components/explore/IndexState";
import { Sparkline } from "@/components/explore/LayerBars";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { TokenText } from "@/components/Token";
import { toCsv } from "@/lib/csv";
import { download, fileName, textFile } from "@/lib/download";
import { formatCount, formatProb } from "@/lib/numbers";
import { type Column, type Sort, useExplore } from "@/state/explore";
import { clusterPath } from "@/state/url";
import { arrange } from "./arrange";
import styles from "./MapView.module.css";

const ROW = 32;

export function MapView({ model }: { model: ReadyModel }) {
  const { data: index } = useIndex(model.id);
  const ready = hasClusters(index);
  const query = useClusters(model.id, ready);
  if (query.error)
    return (
      <div className={styles.message}>
        <Failure error={asApiError(query.error)} onRetry={() => void query.refetch()} />
      </div>
    );
  if (!ready)
    return (
      <div className={styles.missing}>
        <ClustersMissing index={index} />
      </div>
    );
  if (!query.data)
    return (
      <p className={styles.message} role="status">
        Reading the clusters…
      </p>
    );
  return <Clusters model={model.id} clusters={query.data.clusters} reading={query.data.reading} />;
}

interface ClustersProps extends Pick<ClustersReply, "reading"> {
  model: string;
  clusters: readonly ClusterSummary[];
}

function Clusters({ model, clusters, reading }: ClustersProps) {
  const sort = useExplore((state) => state.sort);
  const filter = useExplore((state) => state.filter);
  const deferred = useDeferredValue(filter);
  const shown = useMemo(() => arrange(clusters, sort, deferred), [clusters, sort, deferred]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  const items = rows.getVirtualItems();
  const largest = useMemo(() => Math.max(1, ...clusters.map(({ size }) => size)), [clusters]);
  return (
    <Panel
      title="Map"
      className={styles.panel}
      reading={reading}
      bodyRef={scroller}
      note={
        <span data-testid="shown-clusters">
          {shown.length < clusters.length && `${formatCount(shown.length)} of `}
          {formatCount(clusters.length)} clusters
        </span>
      }
      tools={<Tools model={model} shown={shown} />}
    >
      <table className={styles.table} aria-label="Clusters" aria-rowcount={shown.length + 1}>
        <Head sort={sort} />
        <tbody>
          <Space height={items[0]?.start ?? 0} />
          {items.map(({ key, index }) => {
            const cluster = shown[index];
            return cluster && <Row key={key} cluster={cluster} index={index} largest={largest} />;
          })}
          <Space height={rows.getTotalSize() - (items.at(-1)?.end ?? 0)} />
        </tbody>
      </table>
      {shown.length === 0 && (
        <p className={styles.none}>No cluster has “{filter.trim()}” in its label.</p>
      )}
    </Panel>
  );
}

function Tools({ model, shown }: { model: string; shown: readonly ClusterSummary[] }) {
  const filter = useExplore((state) => state.filter);
  const save = () => {
    const rows = shown.map(({ id, size, cohesion, label, layers }) => [
      id,
      size,
      cohesion,
      JSON.stringify(label.map((token) => token.text)),
      ...layers,
    ]);
    const layers = shown[0]?.layers.map((_, layer) => `layer ${layer}`) ?? [];
    const head = ["cluster", "size", "cohesion", "tokens", ...layers];
    download(`${fileName("clusters", model)}.csv`, textFile(toCsv(head, rows), "text/csv"));
  };
  return (
    <>
      <label className={styles.filter}>
        <Search aria-hidden />
        <input
          type="search"
          value={filter}
          placeholder="Search the labels"
          aria-label="Search the labels of the clusters"
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => useExplore.getState().go({ filter: event.target.value })}
        />
      </label>
      <IconButton label="Save as CSV" disabled={shown.length === 0} onClick={save}>
        <Download aria-hidden />
      </IconButton>
    </>
  );
}

const COLUMNS = [
  { by: "id", name: "Cluster", title: "by number", down: false },
  { by: "size", name: "Size", title: "by the number of members", down: true },
  { by: null, name: "Best tokens" },
  { by: "layer", name: "Layers", title: "by the mean layer of the members", down: false },
  {
    by: "cohesion",
    name: "Cohesion",
    title: "by the mean cosine of the members with the centre",
    down: true,
  },
] as const;

function Head({ sort }: { sort: Sort }) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {COLUMNS.map((column) =>
          column.by === null ? (
            <th key="label" scope="col" className={styles.label}>
              {column.name}
            </th>
          ) : (
            <SortHead key={column.by} {...column} sort={sort} />
          ),
        )}
      </tr>
    </thead>
  );
}

interface SortHeadProps {
  by: Column;
  name: string;
  title: string;
  /** The order of the first click. */
  down: boolean;
  sort: Sort;
}

function SortHead({ by, name, title, down, sort }: SortHeadProps) {
  const current = sort.by === by;
  const descending = current ? !sort.descending : down;
  const Arrow = sort.descending ? ArrowDown : ArrowUp;
  return (
    <th
      scope="col"
      className={styles[by]}
      aria-sort={current ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      <button
        type="button"
        title={`Sort ${title}`}
        onClick={() => useExplore.getState().go({ sort: { by, descending } })}
      >
        {name}
        {current && <Arrow aria-hidden />}
      </button>
    </th>
  );
}

/** Stands for the rows that are out of sight. */
function Space({ height }: { height: number }) {
  return (
    <tr aria-hidden>
      <td style={{ height }} />
    </tr>
  );
}

interface RowProps {
  cluster: ClusterSummary;
  index: number;
  largest: number;
}

const Row = memo(function Row({ cluster, index, largest }: RowProps) {
  const { id, size, label, layers, cohesion } = cluster;
  return (
    <tr aria-rowindex={index + 2} className={styles.row}>
      <th scope="row" className={styles.id}>
        <Link href={clusterPath(id)} className={styles.link ?? ""}>
          {id}
        </Link>
      </th>
      <td className={styles.size} style={bar(size / largest)}>
        {formatCount(size)}
      </td>
      <td className={styles.label}>
        <span>
          {label.map((token) => (
            <TokenText key={token.id} token={token} chip />
          ))}
        </span>
      </td>
      <td className={styles.layer}>
        <Sparkline counts={layers} />
      </td>
      <td className={styles.cohesion} style={bar(cohesion)} title={String(cohesion)}>
        {formatProb(cohesion)}
      </td>
    </tr>
  );
});

const bar = (share: number) => ({ "--share": Math.max(share, 0) }) as CSSProperties;
