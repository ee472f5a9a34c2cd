/** Select Example: the server's examples and the prompts that were traced before. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { ChevronDown } from "lucide-react";
import { asApiError } from "@/api/errors";
import { useExamples } from "@/api/queries";
import { Button } from "@/components/Button";
import { Failure } from "@/components/Failure";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { valueKey } from "@/lib/values";
import { loadExample, tracePrompt } from "@/state/actions";
import { useModel } from "@/state/model";
import { usePrefs } from "@/state/prefs";

export function ExamplesMenu() {
  const examples = useExamples();
  const model = useModel()?.id ?? "";
  const recent = usePrefs((state) => state.recent);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <Button>
          <span className={menu.long}>Select</span> Example <ChevronDown aria-hidden />
        </Button>
      </Menu.Trigger>
      <MenuContent align="start">
        {examples.error && (
          <Failure error={asApiError(examples.error)} onRetry={() => void examples.refetch()} />
        )}
        {examples.isPending && <Menu.Label className={menu.label}>Loading…</Menu.Label>}
        {examples.data?.length === 0 && (
          <Menu.Label className={menu.label}>This server has no examples.</Menu.Label>
        )}
        <Menu.Group>
          {examples.data?.map((example) => (
            <Menu.Item
              key={example.id}
              className={menu.item}
              onSelect={() => loadExample(example, model)}
            >
              <span className={menu.main}>
                <bdi>{example.title}</bdi>
                {example.note && <small>{example.note}</small>}
              </span>
              <span className={menu.aside}>
                {example.interventions.slice(0, 3).map(valueKey).join(" ")}
              </span>
            </Menu.Item>
          ))}
        </Menu.Group>
        {recent.length > 0 && (
          <Menu.Group>
            <Menu.Label className={menu.label}>Traced before</Menu.Label>
            {recent.map((prompt) => (
              <Menu.Item key={prompt} className={menu.item} onSelect={() => tracePrompt(prompt)}>
                <bdi className={menu.line}>{prompt}</bdi>
              </Menu.Item>
            ))}
          </Menu.Group>
        )}
      </MenuContent>
    </Menu.Root>
  );
}
