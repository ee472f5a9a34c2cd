/** Why A rather than B: what every part of the network adds to A's lead (rule 16). */

import { ArrowLeftRight, Download } from "lucide-react";
import type { AttributeReply, Token } from "@/api/types";
import { IconButton } from "@/components/Button";
import { Failure } from "@/components/Failure";
import { ReadingName } from "@/components/ReadingName";
import { Segmented } from "@/components/Segmented";
import { TokenText } from "@/components/Token";
import { swapFirst } from "@/components/tokens/order";
import { TokenMark } from "@/components/tokens/TokenMark";
import { download, fileName, textFile } from "@/lib/download";
import { formatSigned } from "@/lib/numbers";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./Attribution.module.css";
import { Contributions } from "./Contributions";
import { LayerParts, Sums } from "./Parts";
import { attributionCsv, formatTimes } from "./parts";
import { useAttribution } from "./useWhy";

const RUNS = [
  { value: "edited", label: "Edited" },
  { value: "unedited", label: "Unedited" },
] as const;

interface Props {
  a: Token;
  b: Token | null;
}

export function Attribution({ a, b }: Props) {
  const reading = useSession((state) => state.reading);
  const { reply: trace } = useTrace();
  // The difference of two runs has no parts that add up to a logit: it is the edited run's then.
  const edited = trace?.edited != null && reading !== "unedited";
  const { reply, outdated, pending, error, retry, wanted, more } = useAttribution(edited);
  const { setReading, setTokens } = useSession.getState();
  return (
    <section className={styles.section} aria-label="Why A rather than B" aria-busy={pending}>
      <header className={styles.head}>
        <h3 className={styles.title}>
          Why <TokenMark index={0} /> <TokenText token={a} chip />
          {b && (
            <>
              {" "}
              rather than <TokenMark index={1} /> <TokenText token={b} chip />
            </>
          )}
        </h3>
        {reply && <ReadingName reading={reply.reading} />}
        {b && (
          <IconButton
            label="Ask it the other way round"
            onClick={() => setTokens(swapFirst(useSession.getState().tokens))}
          >
            <ArrowLeftRight aria-hidden />
          </IconButton>
        )}
        <div className={styles.tools}>
          {trace?.edited && (
            <Segmented
              label="Which run is taken apart"
              value={edited ? "edited" : "unedited"}
              options={RUNS}
              onChange={(run) => setReading(run)}
            />
          )}
          {reply && (
            <IconButton
              label="Save the attribution as CSV"
              onClick={() =>
                download(
                  `${fileName("why", a.text, b?.text ?? "")}.csv`,
                  textFile(attributionCsv(reply), "text/csv"),
                )
              }
            >
              <Download aria-hidden />
            </IconButton>
          )}
        </div>
      </header>
      {error && (
        <div className={styles.error}>
          <Failure error={error} onRetry={retry} />
        </div>
      )}
      {reply && (
        <div data-outdated={outdated || undefined} data-testid="attribution">
          <Total reply={reply} />
          <div className={styles.columns}>
            <div>
              <Sums reply={reply} />
              <LayerParts reply={reply} />
            </div>
            <Contributions list={reply.sub_updates} wanted={wanted} onMore={more} busy={pending} />
          </div>
          <p className={styles.note}>
            This is the exact reading: the final norm is frozen as it is at the last state, so that
            the parts add up. The lines above are the lens, which gives every state its own norm;
            layer by layer the two need not agree.
          </p>
        </div>
      )}
    </section>
  );
}

/** The total in words. */
function Total({ reply: { token, against, total } }: { reply: AttributeReply }) {
  const [more, less] = total < 0 && against ? [against, token] : [token, against];
  return (
    <p className={styles.total}>
      {against ? "Lead in logits" : "Logit"}{" "}
      <b title={String(total)} data-testid="total">
        {formatSigned(total)}
      </b>
      {less && (
        <>
          : <TokenText token={more} chip /> is {formatTimes(total)} times as likely as{" "}
          <TokenText token={less} chip />.
        </>
      )}
    </p>
  );
}
