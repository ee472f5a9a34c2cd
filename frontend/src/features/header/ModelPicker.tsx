/** Which model the page is about, and in what state it is. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Check, ChevronDown } from "lucide-react";
import { useModels } from "@/api/queries";
import type { Model } from "@/api/types";
import { Button } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { formatCompact, formatCount } from "@/lib/numbers";
import { useModel } from "@/state/model";
import { useSession } from "@/state/session";
import styles from "./Header.module.css";

function facts(model: Model): string {
  if (model.state === "failed") return model.error ?? "It could not be loaded.";
  if (model.state === "loading") return "Loading…";
  const { n_layers, ffn_width, n_parameters, dtype, device } = model;
  return [
    n_layers !== null && `${n_layers} layers`,
    ffn_width !== null && `× ${formatCount(ffn_width)} value vectors`,
    n_parameters !== null && `${formatCompact(n_parameters)} parameters`,
    [dtype, device].filter(Boolean).join(" on "),
  ]
    .filter(Boolean)
    .join(", ");
}

export function ModelPicker() {
  const { data, error } = useModels();
  const chosen = useSession((state) => state.model);
  const model = useModel();
  const state = error && !data ? "failed" : (model?.state ?? "loading");
  const words = data && !model ? "not served" : error && !data ? "unreachable" : state;
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <Button look="quiet" disabled={!data} data-testid="model-picker">
          <span className={styles.picker}>
            <span className="visually-hidden">Model:</span>
            <bdi>{model?.id ?? chosen ?? "Model"}</bdi>
            <span className={styles.state} data-state={data && !model ? "failed" : state}>
              {words}
            </span>
          </span>
          <ChevronDown aria-hidden />
        </Button>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className={menu.content} align="start" sideOffset={4} collisionPadding={8}>
          <Menu.RadioGroup
            value={model?.id ?? ""}
            onValueChange={(id) => useSession.getState().setModel(id)}
          >
            {data?.models.map((each) => (
              <Menu.RadioItem key={each.id} value={each.id} className={menu.item}>
                <span className={menu.main}>
                  <bdi>{each.id}</bdi>
                  <small>{facts(each)}</small>
                </span>
                <Menu.ItemIndicator>
                  <Check aria-hidden />
                </Menu.ItemIndicator>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
