/** What keyword search found, in the layers that the index covers so far. */

import type { UseQueryResult } from "@tanstack/react-query";
import { asApiError } from "@/api/errors";
import { isBuilding, useKeywords } from "@/api/explore";
import type { ReadyModel } from "@/api/queries";
import type { IndexReply, KeywordReply } from "@/api/types";
import { HitList } from "@/components/explore/HitRow";
import { SaveHits } from "@/components/explore/SaveHits";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { formatCount } from "@/lib/numbers";
import { useExplore } from "@/state/explore";
import { Nothing } from "./Nothing";
import styles from "./SearchView.module.css";
import { useResults } from "./useResults";

interface Props {
  model: ReadyModel;
  index: IndexReply | undefined;
}

export function KeywordResults({ model, index }: Props) {
  const query = useExplore((state) => state.query.trim());
  const results = useResults("keywords");
  const layersReady = index?.layers_ready ?? 0;
  const answer = useKeywords(model.id, query, results, layersReady);
  const data = query === "" ? undefined : answer.data;
  return (
    <Panel
      title="Results"
      busy={answer.isFetching}
      reading={data?.reading}
      note={data && <Count data={data} />}
      tools={data && data.hits.length > 0 && <SaveHits hits={data.hits} query={query} />}
    >
      <Body {...{ query, answer, data, index, layersReady }} />
    </Panel>
  );
}

function Count({ data }: { data: KeywordReply }) {
  const vectors = data.total === 1 ? "value vector lists" : "value vectors list";
  const what = data.partial.length > 0 ? "a keyword or a part of one" : "a keyword";
  return (
    <span data-testid="count">
      {data.hits.length < data.total && `best ${data.hits.length} of `}
      {formatCount(data.total)} {vectors} {what} among 50 tokens
      {data.layers_ready < data.n_layers &&
        `, in ${data.layers_ready} of ${data.n_layers} layers so far`}
    </span>
  );
}

interface BodyProps {
  query: string;
  answer: UseQueryResult<KeywordReply>;
  data: KeywordReply | undefined;
  index: IndexReply | undefined;
  layersReady: number;
}

function Body({ query, answer, data, index, layersReady }: BodyProps) {
  if (query === "") return <Nothing mode="keywords" />;
  if (index && layersReady === 0)
    return (
      <p className={styles.hint} role="status">
        {isBuilding(index)
          ? "No layer is read yet; results appear as soon as the first one is."
          : "Keyword search needs the index, which has no layer yet."}{" "}
        Concept search works without it.
      </p>
    );
  if (answer.error)
    return (
      <div className={styles.error}>
        <Failure error={asApiError(answer.error)} onRetry={() => void answer.refetch()} />
      </div>
    );
  if (!data)
    return (
      <p className={styles.hint} role="status">
        Searching…
      </p>
    );
  if (data.hits.length === 0)
    return (
      <p className={styles.hint}>
        No value vector lists this among its 50 tokens. Concept search ranks all vectors by the full
        vocabulary.
      </p>
    );
  return (
    <>
      {data.partial.length > 0 && (
        <p className={styles.partial} role="note">
          No vector lists all tokens of <Words words={data.partial} />: vectors with some of them
          are shown.
        </p>
      )}
      <HitList
        label="Value vectors found"
        hits={data.hits}
        measure="BM25 score"
        outdated={answer.isPlaceholderData}
      />
    </>
  );
}

function Words({ words }: { words: readonly string[] }) {
  return words.map((word, index) => (
    <span key={word}>
      {index > 0 && ", "}
      <bdi className={styles.word}>“{word}”</bdi>
    </span>
  ));
}
