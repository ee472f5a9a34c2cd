/** Value Vector Details: what the selected vector promotes and suppresses, its norm and its name. */

import { ArrowRight, Check, Maximize2, PanelRightClose, X } from "lucide-react";
import { Link } from "wouter";
import { asApiError } from "@/api/errors";
import { useValue } from "@/api/queries";
import { Button, IconButton } from "@/components/Button";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { ReadingName } from "@/components/ReadingName";
import { formatScore, formatSigned } from "@/lib/numbers";
import { outOfShape, sameValue, type ValueRef, valueKey } from "@/lib/values";
import { useModel, useReadyModel } from "@/state/model";
import { interventionsOf, useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { valuePath } from "@/state/url";
import styles from "./Details.module.css";
import { NameEditor } from "./NameEditor";
import { TokenColumn } from "./TokenColumn";

const TITLE = "Value Vector Details";

/** `onFold` puts the panel away while it may be wanted again; closing it lets go of the vector. */
export function Details({ onFold }: { onFold?: () => void }) {
  const selection = useSession((state) => state.selection);
  const model = useReadyModel();
  const problem = selection && model ? outOfShape(selection, model) : null;
  return (
    <Panel
      title={TITLE}
      className={styles.panel}
      tools={
        <>
          {onFold && (
            <IconButton label="Fold the details" onClick={onFold}>
              <PanelRightClose aria-hidden />
            </IconButton>
          )}
          {selection && (
            <IconButton
              label="Close details"
              keys="escape"
              onClick={() => useSession.getState().select(null)}
            >
              <X aria-hidden />
            </IconButton>
          )}
        </>
      }
    >
      {!selection ? (
        <p className={styles.empty}>
          Choose a value vector, such as a dominant sub-update of a layer, to see which tokens it
          promotes and suppresses.
        </p>
      ) : problem ? (
        <p className={styles.empty}>{problem}</p>
      ) : (
        <Body value={selection} />
      )}
    </Panel>
  );
}

function Body({ value }: { value: ValueRef }) {
  const model = useModel()?.id ?? null;
  const query = useValue(model, value);
  const key = valueKey(value);
  const data = query.data;
  const shown = data && !query.isPlaceholderData;
  return (
    <>
      <div className={styles.head}>
        <NameEditor key={`${model} ${key}`} value={value} model={model} />
        <dl className={styles.facts}>
          <div>
            <dt>Layer</dt>
            <dd>{value.layer}</dd>
          </div>
          <div>
            <dt>Dimension</dt>
            <dd>{value.dim}</dd>
          </div>
          <div>
            <dt>Norm</dt>
            <dd title={shown ? String(data.norm) : undefined}>
              {shown ? formatScore(data.norm) : "…"}
            </dd>
          </div>
          {data && (
            <div>
              <dt>Reading</dt>
              <dd>
                <ReadingName reading={data.reading} />
              </dd>
            </div>
          )}
          <Coefficient value={value} />
        </dl>
        <div className={styles.actions}>
          <AddButton value={value} />
          <Link href={valuePath(value)} className={styles.link ?? ""} title="Open its page (O)">
            <Maximize2 aria-hidden /> Explore
          </Link>
        </div>
      </div>
      {query.error ? (
        <div className={styles.error}>
          <Failure error={asApiError(query.error)} onRetry={() => void query.refetch()} />
        </div>
      ) : data ? (
        <div
          className={styles.columns}
          data-outdated={!shown || undefined}
          data-testid="projection"
        >
          <TokenColumn title="Promotes" side="promotes" tokens={data.promoted} />
          <TokenColumn title="Suppresses" side="suppresses" tokens={data.suppressed} />
        </div>
      ) : (
        <p className={styles.empty} role="status">
          Reading {key}…
        </p>
      )}
    </>
  );
}

/** The coefficient at the traced position, where the vector is among the shown ones of its layer. */
function Coefficient({ value }: { value: ValueRef }) {
  const { reply } = useTrace();
  const find = (run: "unedited" | "edited") =>
    reply?.[run]?.positions[0]?.layers[value.layer]?.sub_updates.find((item) =>
      sameValue(item, value),
    )?.coefficient;
  const applied = reply?.interventions.find((item) => sameValue(item, value));
  const before = applied?.unedited_coefficient ?? find("unedited");
  const after = applied?.edited_coefficient ?? find("edited");
  if (before === undefined) return null;
  const negative = (after ?? before) < 0;
  return (
    <div>
      <dt>Coefficient</dt>
      <dd title={String(before)}>
        {formatSigned(before)}
        {after !== undefined && after !== before && ` → ${formatSigned(after)}`}
        {negative && <small className={styles.sign}>negative: it pushes the other way here</small>}
      </dd>
    </div>
  );
}

function AddButton({ value }: { value: ValueRef }) {
  const listed = useSession((state) =>
    interventionsOf(state).some((item) => sameValue(item, value)),
  );
  const { change } = useSession.getState();
  return (
    <Button disabled={listed} data-tour="add" onClick={() => change({ type: "add", ref: value })}>
      {listed ? <Check aria-hidden /> : <ArrowRight aria-hidden />}
      {listed ? "In Interventions" : "Add to Interventions"}
    </Button>
  );
}
