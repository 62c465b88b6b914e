"""Reading a shop's menu from a file.

The file is the whole menu: a dish that does not stand in it leaves the menu (orders of it keep their lines). A line
that cannot be taken is named with its reason, and the dish it is about stays on the menu as it was. A dish keeps its
id by its key, or where it has none by its section and name. Running it again with the same file changes nothing. A
daily stock that has changed moves what is left today by the difference.

Amounts are in yuan with at most two decimals: 38 or 38.50. Times are of the shop's own clock: 06:30-11:00, over
midnight 21:30-03:00. Weekdays are 1 (Monday) to 7.

CSV, in UTF-8 or as Excel in China writes it (GB18030), with commas or tabs; the first line names the columns, in
English or Chinese:

  section 分类           the heading; empty: that of the line above
  name 菜名              one of a name in a section
  price 价格
  key 编号               the shop's own name for the dish, by which it is known when it is renamed
  description 描述
  image_url 图片
  tags 标签              招牌;人气
  mealtimes 供应时段     06:30-11:00;21:30-03:00; empty: all day
  member_prices 会员价   GOLD=35;SILVER=36.50
  special_price 特价
  special_weekdays 特价星期   1-5 or 1;3;6; empty: every day
  special_times 特价时段      14:00-17:00; empty: all day
  daily_stock 每日限量   empty: no limit
  options 选项           辣度(1-1): 不辣 | 微辣 | 特辣 +2; 加料(0-2): 粉丝 +6 | 伊面 +8.50 (售罄)
                         a group's name, how few and how many are chosen, and the choices with what they add

Only section, name and price must be there. For example:

  分类,菜名,价格,标签,每日限量,选项
  招牌必点,避风塘炒肉蟹,168,招牌;人气,40,辣度(1-1): 不辣 | 微辣 | 特辣 +2
  ,膏蟹砂锅粥,128.50,,,

JSON, in UTF-8; of a dish only name and price must be there, amounts are texts or whole numbers:

  {"sections": [{"name": "招牌必点", "dishes": [
    {"name": "避风塘炒肉蟹", "price": "168.00", "key": "crab", "description": "现斩现炒", "image_url": null,
     "tags": ["招牌", "人气"], "mealtimes": ["11:00-14:00"], "member_prices": {"GOLD": "152.00"},
     "special": {"price": "148.00", "weekdays": [1, 2, 3], "times": ["14:00-17:00"]}, "daily_stock": 40,
     "option_groups": [{"name": "辣度", "minimum": 1, "maximum": 1, "options": [
       {"name": "不辣"}, {"name": "特辣", "price_delta": "2.00", "sold_out": false}]}]}]}]}

Exit code: 0 everything was taken; 1 some lines were not; 2 nothing could be read, and nothing was changed.
"""
