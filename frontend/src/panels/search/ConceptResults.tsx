/** What concept search found: all vectors ranked by what they do to the words that were typed. */

import { asApiError } from "@/api/errors";
import { useConcepts } from "@/api/explore";
import type { ReadyModel } from "@/api/queries";
import type { ConceptReply } from "@/api/types";
import { HitList } from "@/components/explore/HitRow";
import { SaveHits } from "@/components/explore/SaveHits";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { TokenText } from "@/components/Token";
import { formatCount } from "@/lib/numbers";
import { useExplore } from "@/state/explore";
import { clamp } from "./LayerRange";
import { Nothing } from "./Nothing";
import styles from "./SearchView.module.css";
import { useResults } from "./useResults";

export function ConceptResults({ model }: { model: ReadyModel }) {
  const query = useExplore((state) => state.query.trim());
  const results = useResults("concepts");
  const normalised = useExplore((state) => state.normalised);
  const [first, last] = clamp(
    useExplore((state) => state.layers),
    model.n_layers,
  );
  const question = { q: query, n: results, normalised, first_layer: first, last_layer: last };
  const answer = useConcepts(model.id, question);
  const data = query === "" ? undefined : answer.data;
  const searched = (last - first + 1) * model.ffn_width;
  return (
    <Panel
      title="Results"
      busy={answer.isFetching}
      reading={data?.reading}
      note={data && `best ${data.hits.length} of ${formatCount(searched)} value vectors`}
      tools={data && <SaveHits hits={data.hits} query={query} />}
    >
      {query === "" ? (
        <Nothing mode="concepts" />
      ) : answer.error ? (
        <div className={styles.error}>
          <Failure error={asApiError(answer.error)} onRetry={() => void answer.refetch()} />
        </div>
      ) : data ? (
        <>
          <Words words={data.words} />
          <HitList
            label="Value vectors found"
            hits={data.hits}
            measure={normalised ? "mean logit ÷ norm" : "mean logit"}
            outdated={answer.isPlaceholderData}
          />
        </>
      ) : (
        <p className={styles.hint} role="status">
          Searching…
        </p>
      )}
    </Panel>
  );
}

/** Which tokens stand for each word. */
function Words({ words }: { words: ConceptReply["words"] }) {
  return (
    <ul className={styles.words} aria-label="The tokens that stand for each word">
      {words.map((word) => (
        <li key={`${word.demoted} ${word.text}`} data-demoted={word.demoted || undefined}>
          <span className={styles.direction} title={word.demoted ? "demoted" : "promoted"}>
            <span aria-hidden>{word.demoted ? "▼" : "▲"}</span>
            <span className="visually-hidden">{word.demoted ? "demoted:" : "promoted:"}</span>
          </span>
          <bdi className={styles.word}>{word.text}</bdi>
          {word.tokens.map((token) => (
            <TokenText key={token.id} token={token} chip />
          ))}
        </li>
      ))}
    </ul>
  );
}
