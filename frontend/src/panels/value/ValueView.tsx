/** The page of one value vector: everything that is known of it without a prompt. */

import { ArrowRight, Check, ChevronLeft, ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { asApiError } from "@/api/errors";
import { useIndex, useNeighbours, usePlace } from "@/api/explore";
import { type ReadyModel, useValue } from "@/api/queries";
import type { PlaceReply, ValueReply } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import { CloudPanel } from "@/components/cloud/CloudPanel";
import { NameEditor } from "@/components/details/NameEditor";
import { TokenColumn } from "@/components/details/TokenColumn";
import { HitList } from "@/components/explore/HitRow";
import { SaveHits } from "@/components/explore/SaveHits";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { Segmented } from "@/components/Segmented";
import { formatCount, formatScore } from "@/lib/numbers";
import { outOfShape, sameValue, stepValue, type ValueRef, valueKey } from "@/lib/values";
import { useExplore } from "@/state/explore";
import { interventionsOf, useSession } from "@/state/session";
import { clusterPath } from "@/state/url";
import styles from "./ValueView.module.css";

const NEIGHBOURS = 20;
const BARS = 40;

export function ValueView({ model }: { model: ReadyModel }) {
  const value = useSession((state) => state.selection);
  const problem = value && outOfShape(value, model);
  if (!value || problem)
    return (
      <p className={styles.hint}>
        {problem ?? "No value vector is chosen. Type one, such as L2D34, in the box above."}
      </p>
    );
  return <ValuePage key={valueKey(value)} value={value} model={model} />;
}

function ValuePage({ value, model }: { value: ValueRef; model: ReadyModel }) {
  const query = useValue(model.id, value);
  const { data, isPlaceholderData: outdated } = query;
  const key = valueKey(value);
  return (
    <div className={styles.page} data-testid="value-page">
      <Head value={value} model={model} norm={outdated ? undefined : data?.norm} />
      <div className={styles.panels}>
        {query.error ? (
          <div className={styles.error}>
            <Failure error={asApiError(query.error)} onRetry={() => void query.refetch()} />
          </div>
        ) : data ? (
          <>
            <CloudPanel
              title="Word cloud"
              of={key}
              tokens={data.promoted}
              reading={data.reading}
              outdated={outdated}
            />
            <Bars data={data} outdated={outdated} />
          </>
        ) : (
          <p className={styles.hint} role="status">
            Reading {key}…
          </p>
        )}
        <Neighbours value={value} model={model} />
      </div>
    </div>
  );
}

interface HeadProps {
  value: ValueRef;
  model: ReadyModel;
  norm: number | undefined;
}

function Head({ value, model, norm }: HeadProps) {
  const { data: index } = useIndex(model.id);
  const { data: place } = usePlace(model.id, value, index?.n_clusters ?? null);
  return (
    <header className={styles.head}>
      <NameEditor value={value} model={model.id} />
      <dl className={styles.facts}>
        <Fact name="Layer">
          <Link href="/explore/layer" onClick={() => useExplore.getState().go({ layer: null })}>
            {value.layer}
          </Link>
        </Fact>
        <Fact name="Norm">
          <span title={norm === undefined ? undefined : String(norm)}>
            {norm === undefined ? "…" : formatScore(norm)}
          </span>
          {place && <span className={styles.quiet}>{rank(place)}</span>}
        </Fact>
        <Fact name="Cluster">
          <Cluster place={place} none={index?.n_clusters === 0} />
        </Fact>
      </dl>
      <div className={styles.actions}>
        <AddButton value={value} />
        <Step value={value} model={model} by={-1} />
        <Step value={value} model={model} by={1} />
      </div>
    </header>
  );
}

const rank = (place: PlaceReply): string =>
  `number ${formatCount(place.norm_rank)} of ${formatCount(place.n_vectors)}`;

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Cluster({ place, none }: { place: PlaceReply | undefined; none: boolean }) {
  if (!place) return "…";
  if (place.cluster === null)
    return (
      <span
        className={styles.quiet}
        title={none ? "This server builds no clusters (its setting n_clusters is 0)" : undefined}
      >
        {none ? "none built" : "not known yet"}
      </span>
    );
  return (
    <>
      <Link href={clusterPath(place.cluster)}>{place.cluster}</Link>
      {place.cluster_size !== null && (
        <span className={styles.quiet}>{formatCount(place.cluster_size)} vectors</span>
      )}
    </>
  );
}

function AddButton({ value }: { value: ValueRef }) {
  const listed = useSession((state) =>
    interventionsOf(state).some((item) => sameValue(item, value)),
  );
  return (
    <Button
      look="primary"
      disabled={listed}
      onClick={() => useSession.getState().change({ type: "add", ref: value })}
    >
      {listed ? <Check aria-hidden /> : <ArrowRight aria-hidden />}
      {listed ? "In Interventions" : "Add to Interventions"}
    </Button>
  );
}

function Step({ value, model, by }: { value: ValueRef; model: ReadyModel; by: 1 | -1 }) {
  const next = stepValue(value, by, model);
  return (
    <IconButton
      label={`${by < 0 ? "Previous" : "Next"}: ${next ? valueKey(next) : "none"}`}
      keys={by < 0 ? "k" : "j"}
      disabled={!next}
      onClick={() => next && useSession.getState().select(next)}
    >
      {by < 0 ? <ChevronLeft aria-hidden /> : <ChevronRight aria-hidden />}
    </IconButton>
  );
}

const ENDS = [
  { value: "promoted", label: "Promoted" },
  { value: "both", label: "Both ends" },
] as const;

/** Forty bars: the most promoted tokens, or twenty of each end. */
function Bars({ data, outdated }: { data: ValueReply; outdated: boolean }) {
  const [ends, setEnds] = useState<"promoted" | "both">("promoted");
  const both = ends === "both";
  const count = both ? BARS / 2 : BARS;
  return (
    <Panel
      title="Logits"
      reading={data.reading}
      tools={
        <Segmented
          label="Which tokens"
          value={ends}
          options={ENDS}
          onChange={(next) => setEnds(next)}
        />
      }
    >
      <div className={both ? styles.both : styles.bars} data-outdated={outdated || undefined}>
        <TokenColumn title="Promotes" side="promotes" tokens={data.promoted.slice(0, count)} />
        {both && (
          <TokenColumn
            title="Suppresses"
            side="suppresses"
            tokens={data.suppressed.slice(0, count)}
          />
        )}
      </div>
    </Panel>
  );
}

const SIDES = [
  { value: "nearest", label: "Nearest" },
  { value: "opposed", label: "Most opposed" },
] as const;

function Neighbours({ value, model }: { value: ValueRef; model: ReadyModel }) {
  const [side, setSide] = useState<"nearest" | "opposed">("nearest");
  const query = useNeighbours(model.id, value, side === "opposed", NEIGHBOURS);
  const { data } = query;
  return (
    <Panel
      title="Neighbours"
      className={styles.neighbours}
      busy={query.isFetching}
      reading={data?.reading}
      note="by cosine"
      tools={
        <>
          <Segmented
            label="Which vectors"
            value={side}
            options={SIDES}
            onChange={(next) => setSide(next)}
          />
          {data && <SaveHits hits={data.hits} query={`${side} to ${valueKey(value)}`} />}
        </>
      }
    >
      {query.error ? (
        <div className={styles.error}>
          <Failure error={asApiError(query.error)} onRetry={() => void query.refetch()} />
        </div>
      ) : data ? (
        <HitList
          label={side === "nearest" ? "Nearest vectors" : "Most opposed vectors"}
          hits={data.hits}
          measure="cosine"
          full={1}
          outdated={query.isPlaceholderData}
        />
      ) : (
        <p className={styles.hint} role="status">
          Comparing with all vectors…
        </p>
      )}
    </Panel>
  );
}
