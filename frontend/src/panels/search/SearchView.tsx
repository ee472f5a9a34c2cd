/** Search over all value vectors: by keywords among the promoted tokens, or by concept. */

import { type FormEvent, useEffect, useState } from "react";
import { useIndex } from "@/api/explore";
import { type ReadyModel, useLimits } from "@/api/queries";
import { Button } from "@/components/Button";
import { Workbench } from "@/components/details/Workbench";
import { Segmented } from "@/components/Segmented";
import { SEARCH_ID } from "@/lib/ids";
import { checkValue, parseValue } from "@/lib/values";
import { type Mode, USUAL_RESULTS, useExplore } from "@/state/explore";
import { follow } from "@/state/sync";
import { valuePath } from "@/state/url";
import { ConceptResults } from "./ConceptResults";
import { KeywordResults } from "./KeywordResults";
import { LayerRange } from "./LayerRange";
import styles from "./SearchView.module.css";
import { useResults } from "./useResults";

const PAUSE = 200;
const LONGEST = 400;

const MODES = [
  { value: "keywords", label: "Keywords" },
  { value: "concepts", label: "Concept" },
] as const;

const HINTS: Record<Mode, string> = {
  keywords: "music, song, concert",
  concepts: "music, song, -school",
};

export function SearchView({ model }: { model: ReadyModel }) {
  const mode = useExplore((state) => state.mode);
  const query = useExplore((state) => state.query);
  const { data: index } = useIndex(model.id);
  return (
    <Workbench>
      <div className={styles.search}>
        <search className={styles.ask}>
          <SearchBox model={model} mode={mode} />
          <Options model={model} mode={mode} />
        </search>
        {parseValue(query) ? (
          <p className={styles.hint}>Press Enter to go to {query.trim().toUpperCase()}.</p>
        ) : mode === "keywords" ? (
          <KeywordResults model={model} index={index} />
        ) : (
          <ConceptResults model={model} />
        )}
      </div>
    </Workbench>
  );
}

/** Searches while one types; Enter searches at once and keeps this search for Back. */
function SearchBox({ model, mode }: { model: ReadyModel; mode: Mode }) {
  const query = useExplore((state) => state.query);
  const [draft, setDraft] = useState(query);
  const [followed, setFollowed] = useState(query);
  const [problem, setProblem] = useState<string | null>(null);
  // Back, a link or an example brings another query along.
  if (query !== followed) {
    setFollowed(query);
    setDraft(query);
  }
  useEffect(() => {
    const timer = setTimeout(() => useExplore.getState().type(draft), PAUSE);
    return () => clearTimeout(timer);
  }, [draft]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { type, settle } = useExplore.getState();
    if (!parseValue(draft)) {
      type(draft);
      settle();
      return;
    }
    const checked = checkValue(draft, model);
    setProblem(checked.problem);
    if (!checked.ref) return;
    type("");
    follow(valuePath(checked.ref));
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Segmented
        label="Search by"
        value={mode}
        options={MODES}
        onChange={(next) => useExplore.getState().go({ mode: next })}
      />
      <input
        id={SEARCH_ID}
        type="search"
        className={styles.box}
        value={draft}
        maxLength={LONGEST}
        placeholder={HINTS[mode]}
        aria-label={
          mode === "keywords"
            ? "Keywords, separated by commas"
            : "Words to promote, and with a minus words to demote, separated by commas"
        }
        aria-invalid={problem !== null}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        dir="auto"
        onChange={(event) => {
          setDraft(event.target.value);
          setProblem(null);
        }}
      />
      <Button look="primary" type="submit" disabled={draft.trim() === ""}>
        Search <span aria-hidden>⏎</span>
      </Button>
      {problem && (
        <p className={styles.problem} role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

const RANKINGS = [
  { value: "raw", label: "Mean logit" },
  { value: "normalised", label: "÷ norm" },
] as const;

function Options({ model, mode }: { model: ReadyModel; mode: Mode }) {
  const normalised = useExplore((state) => state.normalised);
  const results = useResults(mode);
  const most = useLimits().max_top_k;
  const { go } = useExplore.getState();
  const [typed, setTyped] = useState<string | null>(null);
  const accept = (text: string) => {
    setTyped(text);
    const count = Number(text);
    if (Number.isInteger(count) && count >= 1 && count <= most)
      go({ results: count === USUAL_RESULTS[mode] ? null : count });
  };
  return (
    <div className={styles.options}>
      {mode === "concepts" && (
        <>
          <Segmented
            label="Rank by"
            value={normalised ? "normalised" : "raw"}
            options={RANKINGS}
            onChange={(next) => go({ normalised: next === "normalised" })}
          />
          <LayerRange layers={model.n_layers} />
        </>
      )}
      <label className={styles.option}>
        Results
        <input
          type="number"
          min={1}
          max={Number.isFinite(most) ? most : undefined}
          value={typed ?? results}
          onChange={(event) => accept(event.target.value)}
          onBlur={() => setTyped(null)}
        />
      </label>
    </div>
  );
}
