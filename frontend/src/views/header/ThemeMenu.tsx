/** Light, dark, or as the system has it. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Check, Monitor, Moon, Sun } from "lucide-react";
import { IconButton } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { type Theme, usePrefs } from "@/state/prefs";

const THEMES = [
  { value: "system", name: "As the system", Icon: Monitor },
  { value: "light", name: "Light", Icon: Sun },
  { value: "dark", name: "Dark", Icon: Moon },
] as const;

export function ThemeMenu() {
  const theme = usePrefs((state) => state.theme);
  const { Icon } = THEMES.find(({ value }) => value === theme) ?? THEMES[0];
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <IconButton label="Theme">
          <Icon aria-hidden />
        </IconButton>
      </Menu.Trigger>
      <MenuContent align="end">
        <Menu.RadioGroup
          value={theme}
          onValueChange={(value) => usePrefs.getState().setTheme(value as Theme)}
        >
          {THEMES.map(({ value, name, Icon: Sign }) => (
            <Menu.RadioItem key={value} value={value} className={menu.item}>
              <Sign aria-hidden />
              <span className={menu.main}>{name}</span>
              <Menu.ItemIndicator>
                <Check aria-hidden />
              </Menu.ItemIndicator>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </MenuContent>
    </Menu.Root>
  );
}
