/** The page of one cluster of value vectors: its tokens, its layers, its members. */

import { Dices } from "lucide-react";
import { asApiError } from "@/api/errors";
import { FIRST_MEMBERS, hasClusters, useCluster, useIndex, usePlace } from "@/api/explore";
import type { ReadyModel } from "@/api/queries";
import type { ClusterReply } from "@/api/types";
import { Button } from "@/components/Button";
import { CloudPanel } from "@/components/cloud/CloudPanel";
import { Workbench } from "@/components/details/Workbench";
import { HitList } from "@/components/explore/HitRow";
import { ClustersMissing } from "@/components/explore/IndexState";
import { LayerBars } from "@/components/explore/LayerBars";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { formatCount, formatProb } from "@/lib/numbers";
import { outOfShape } from "@/lib/values";
import { useExplore } from "@/state/explore";
import styles from "./ClusterView.module.css";

export function ClusterView({ model }: { model: ReadyModel }) {
  const wanted = useExplore((state) => state.cluster);
  const { data: index } = useIndex(model.id);
  const ref = typeof wanted === "object" ? wanted : null;
  const problem = ref && outOfShape(ref, model);
  const clusters = index?.n_clusters ?? null;
  const place = usePlace(model.id, problem ? null : ref, clusters);
  const id = typeof wanted === "number" ? wanted : (place.data?.cluster ?? null);
  if (wanted === null || problem)
    return (
      <p className={styles.hint}>{problem ?? "No cluster is chosen: the map has them all."}</p>
    );
  return (
    <Workbench>
      {!hasClusters(index) ? (
        <div className={styles.page}>
          <ClustersMissing index={index} />
        </div>
      ) : id === null ? (
        <div className={styles.page}>
          {place.error ? (
            <Failure error={asApiError(place.error)} onRetry={() => void place.refetch()} />
          ) : (
            <p className={styles.hint}>Looking for its cluster…</p>
          )}
        </div>
      ) : (
        <Cluster model={model} id={id} />
      )}
    </Workbench>
  );
}

function Cluster({ model, id }: { model: ReadyModel; id: number }) {
  const seed = useExplore((state) => state.seed);
  const query = useCluster(model.id, id, seed);
  const first = query.data?.pages[0];
  if (query.error)
    return (
      <div className={styles.page}>
        <div className={styles.error}>
          <Failure error={asApiError(query.error)} onRetry={() => void query.refetch()} />
        </div>
      </div>
    );
  if (!first)
    return (
      <div className={styles.page}>
        <p className={styles.hint} role="status">
          Reading cluster {id}…
        </p>
      </div>
    );
  return (
    <div className={styles.page} data-testid="cluster-page">
      <Head cluster={first} />
      <div className={styles.panels}>
        <CloudPanel
          title="Word cloud"
          of={`cluster ${first.id}`}
          tokens={first.tokens}
          reading={first.reading}
          measure="summed logit"
          outdated={first.id !== id}
        />
        <Members query={query} cluster={first} seed={seed} outdated={query.isPlaceholderData} />
      </div>
    </div>
  );
}

function Head({ cluster }: { cluster: ClusterReply }) {
  return (
    <header className={styles.head}>
      <h2>Cluster {cluster.id}</h2>
      <dl className={styles.facts}>
        <div>
          <dt>Size</dt>
          <dd>{formatCount(cluster.size)} value vectors</dd>
        </div>
        <div>
          <dt>Cohesion</dt>
          <dd title={`mean cosine of the members with the centre: ${cluster.cohesion}`}>
            {formatProb(cluster.cohesion)}
          </dd>
        </div>
      </dl>
      <figure className={styles.layers}>
        <figcaption>Layers</figcaption>
        <LayerBars counts={cluster.layers} />
      </figure>
    </header>
  );
}

interface MembersProps {
  query: ReturnType<typeof useCluster>;
  cluster: ClusterReply;
  seed: number;
  outdated: boolean;
}

function Members({ query, cluster, seed, outdated }: MembersProps) {
  const members = query.data?.pages.flatMap((page) => page.members) ?? [];
  const left = cluster.size - members.length;
  const all = cluster.size <= FIRST_MEMBERS;
  return (
    <Panel
      title="Members"
      reading={cluster.reading}
      busy={query.isFetching}
      note={
        <span data-testid="shown-members">
          {all ? `all ${cluster.size}` : `${members.length} of ${formatCount(cluster.size)}`},
          cosine with the centre
        </span>
      }
      tools={
        !all && (
          <Button onClick={() => useExplore.getState().go({ seed: seed + 1 })}>
            <Dices aria-hidden /> Ten others
          </Button>
        )
      }
    >
      <HitList
        label="Members of the cluster"
        hits={members}
        measure="cosine with the centre"
        full={1}
        whole
        outdated={outdated}
        after={
          left > 0 && (
            <p className={styles.more}>
              <Button disabled={query.isFetching} onClick={() => void query.fetchNextPage()}>
                {left > 50 ? "Show 50 more" : `Show the other ${left}`}
              </Button>
            </p>
          )
        }
      />
    </Panel>
  );
}
