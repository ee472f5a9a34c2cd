/** Which model the page is about, and in what state it is. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Check, ChevronDown } from "lucide-react";
import { Suspense, useState } from "react";
import { useConnection } from "@/api/connection";
import { useModels } from "@/api/queries";
import type { Model, SelfCheck } from "@/api/types";
import { Button } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { ProgressBar } from "@/components/ProgressBar";
import { progressWords, stateWords } from "@/components/progress";
import { formatCompact, formatCount, formatError } from "@/lib/numbers";
import { useModel } from "@/state/model";
import { onDemand } from "@/state/onDemand";
import { useSession } from "@/state/session";
import styles from "./Header.module.css";

const SelfCheckDialog = onDemand(async () => (await import("./SelfCheckDialog")).SelfCheckDialog);

/** What was found when the model was loaded (rule 25). */
const checkWords = ({ error }: SelfCheck): string =>
  `equal to transformers to ${formatError(error)} on this machine`;

function facts(model: Model): string {
  if (model.state === "failed") return model.error ?? "It could not be loaded.";
  if (model.state === "loading") return `${progressWords(model.progress)}…`;
  const { n_layers, ffn_width, n_parameters, dtype, device } = model;
  const layers = n_layers !== null && `${n_layers} ${n_layers === 1 ? "layer" : "layers"}`;
  return [
    layers && ffn_width !== null && `${layers} × ${formatCount(ffn_width)} value vectors`,
    n_parameters !== null && `${formatCompact(n_parameters)} parameters`,
    [dtype, device].filter(Boolean).join(" on "),
  ]
    .filter(Boolean)
    .join(", ");
}

/** Of a folder, its last part: the rest of a path tells least and takes most room. */
const shortName = (id: string): string =>
  /^([/~.]|\w:)/.test(id) ? (id.split(/[/\\]/).findLast((part) => part !== "") ?? id) : id;

/** What is wrong or right with the model that the page is about: a state for the eye, and words. */
function useModelState(): { state: Model["state"]; words: string } {
  const { data, error } = useModels();
  const lost = useConnection((connection) => connection.lost);
  const model = useModel();
  if (lost || (error && !data)) return { state: "failed", words: "unreachable" };
  if (!data) return { state: "loading", words: "loading" };
  if (!model) return { state: "failed", words: "not served" };
  return { state: model.state, words: stateWords(model) };
}

export function ModelPicker() {
  const { data } = useModels();
  const chosen = useSession((state) => state.model);
  const model = useModel();
  const { state, words } = useModelState();
  const [checking, check] = useState(false);
  const name = model?.id ?? chosen ?? "Model";
  return (
    <>
      <Menu.Root modal={false}>
        <Menu.Trigger asChild>
          <Button
            look="quiet"
            className={styles.trigger}
            disabled={!data}
            data-testid="model-picker"
          >
            <span className={styles.picker}>
              <span className="visually-hidden">Model:</span>
              <bdi title={name}>{shortName(name)}</bdi>
              <span className={styles.state} data-state={state}>
                {words}
              </span>
            </span>
            <ChevronDown aria-hidden />
          </Button>
        </Menu.Trigger>
        <MenuContent align="start">
          <Menu.RadioGroup
            value={model?.id ?? ""}
            onValueChange={(id) => useSession.getState().setModel(id, model?.id ?? null)}
          >
            {data?.models.map((each) => (
              <Menu.RadioItem
                key={each.id}
                value={each.id}
                disabled={each.state === "failed"}
                className={menu.item}
              >
                <span className={`${menu.main} ${styles.choice}`}>
                  <bdi>{each.id}</bdi>{" "}
                  <span className={styles.state} data-state={each.state}>
                    {stateWords(each)}
                  </span>
                  <small>{facts(each)}</small>
                  {each.state === "ready" && each.self_check && (
                    <small>{checkWords(each.self_check)}</small>
                  )}
                  <ProgressBar model={each} />
                </span>
                <Menu.ItemIndicator>
                  <Check aria-hidden />
                </Menu.ItemIndicator>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
          {data?.models.some(({ self_check }) => self_check !== null) && (
            <Menu.Item className={`${menu.item} ${styles.checks}`} onSelect={() => check(true)}>
              <span className={menu.main}>What was checked…</span>
            </Menu.Item>
          )}
        </MenuContent>
      </Menu.Root>
      {checking && (
        <Suspense>
          <SelfCheckDialog models={data?.models ?? []} onClose={() => check(false)} />
        </Suspense>
      )}
    </>
  );
}
