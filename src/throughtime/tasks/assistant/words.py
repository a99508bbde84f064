"""What a home has that people speak of to its assistant, and its numbers in words, in English and Chinese."""

from __future__ import annotations

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SIGNS = "零一二三四五六七八九"


def english(number: int) -> str:
    """0 to 100 in words."""
    if number < 20:
        return _ONES[number]
    if number == 100:
        return "one hundred"
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f" {_ONES[ones]}" if ones else "")


def chinese(number: int) -> str:
    """The same in Chinese."""
    if number < 10:
        return _SIGNS[number]
    if number == 100:
        return "一百"
    tens, ones = divmod(number, 10)
    return (_SIGNS[tens] if tens > 1 else "") + "十" + (_SIGNS[ones] if ones else "")


def _list(text: str) -> list[str]:
    return [value.strip() for value in text.split(",")]


WORDS: dict[str, dict[str, list[str]]] = {
    "en": {
        "polite": ["please"],
        "area": _list(
            "kitchen, living room, bedroom, bathroom, office, garage, hallway, dining room, basement, attic, "
            "nursery, guest room, laundry room, study, garden, terrace, playroom, workshop, pantry, balcony, "
            "conservatory, gym, library, cellar, kids room, master bedroom, entrance, utility room, sunroom, patio, "
            "den, lounge, shed, music room, porch"
        ),
        "floor": _list("first, second, ground, upper, lower, top, main, middle, third"),
        "message": _list(
            "dinner is ready, the taxi is here, time for bed, we are leaving in ten minutes, someone is at the door, "
            "lunch is on the table, the movie starts now, please come downstairs, the washing is done, i am home, "
            "school starts in half an hour, turn down the music, grandma is on the phone, it is raining, "
            "the cake is in the oven, put on your shoes, breakfast is served, the dog needs a walk, "
            "the parcel has arrived, everybody come to the kitchen"
        ),
        "search_query": _list(
            "the beatles, abbey road, miles davis, rain sounds, bohemian rhapsody, the daily, stranger things, "
            "mozart, yesterday, taylor swift, kind of blue, morning jazz, the lion king, david bowie, the planets, "
            "friends, blue train, nina simone, hotel california, star wars, workout hits, led zeppelin, serial, "
            "the office, radiohead, graceland, summer party, casablanca, daft punk, moonlight sonata"
        ),
        "zone": _list("home, work, school, the office, the gym, university, town, the airport, church, the beach"),
        "timer_name": _list(
            "pizza, egg, laundry, tea, pasta, homework, workout, bread, rice, nap, chicken, coffee, reading, "
            "potatoes, oven, cake, meditation, soup, dishwasher, turkey, cookie, yoga, roast, lasagna, shower, "
            "piano, beans, bath, break, steak"
        ),
        "timer_command": _list(
            "turn off the lights, open the garage door, close the blinds, start the washing machine, lock the door, "
            "turn on the coffee machine, pause the music, turn off the heating, feed the cat, open the curtains, "
            "turn on the porch light, stop the sprinkler, mute the television, start the vacuum, water the plants, "
            "switch off the fan, close the gate, play some jazz, turn down the volume, turn on the oven"
        ),
        "shopping_list_item": _list(
            "milk, bread, eggs, butter, apples, olive oil, toilet paper, coffee, cheese, tomatoes, rice, chicken, "
            "orange juice, dish soap, bananas, pasta, flour, onions, dark chocolate, batteries, cereal, yogurt, "
            "potatoes, shampoo, green tea, salmon, sugar, cat food, lemons, peanut butter, spinach, honey, carrots, "
            "oat milk, light bulbs"
        ),
        "todo_list_item": _list(
            "call the dentist, water the plants, pay the rent, clean the car, walk the dog, book the flights, "
            "fix the bike, renew the passport, iron the shirts, write to anna, buy a present, mow the lawn, "
            "return the books, charge the drill, wash the windows, order new tyres, empty the bins, paint the fence, "
            "vacuum the stairs, sort the photos, file the taxes, change the filter, visit grandma, bake a cake, "
            "pick up the parcel, cancel the subscription, sew the button, defrost the freezer, plan the party, sweep"
        ),
    },
    "zh": {
        "polite": ["请"],
        "area": _list(
            "客厅, 卧室, 厨房, 书房, 浴室, 餐厅, 阳台, 车库, 走廊, 主卧, 次卧, 儿童房, 客房, 卫生间, 玄关, 地下室, "
            "花园, 阁楼, 洗衣房, 衣帽间, 办公室, 老人房, 储物间, 健身房, 影音室, 露台, 茶室, 门厅, 院子, 洗手间, "
            "琴房, 杂物间, 工作室, 天台, 酒窖"
        ),
        "floor": _list("一楼, 二楼, 三楼, 底楼, 顶楼, 楼上, 楼下, 负一楼, 四楼"),
        "message": _list(
            "晚饭做好了, 出租车到了, 该睡觉了, 十分钟后出发, 有人在门口, 吃午饭了, 电影开始了, 快下楼, 衣服洗好了, "
            "我到家了, 半小时后上学, 音乐小一点, 奶奶来电话了, 外面下雨了, 蛋糕在烤箱里, 穿好鞋子, 早饭好了, "
            "该遛狗了, 快递到了, 大家来厨房"
        ),
        "zone": _list("家, 公司, 学校, 健身房, 大学, 机场, 医院, 超市, 办公室, 海边"),
        "timer_name": _list(
            "煮蛋, 披萨, 洗衣, 泡茶, 煮面, 作业, 锻炼, 面包, 米饭, 午睡, 炖鸡, 咖啡, 阅读, 土豆, 烤箱, 蛋糕, 冥想, "
            "煲汤, 洗碗, 烤鸡, 饼干, 瑜伽, 红烧肉, 练琴, 洗澡, 饺子, 休息, 牛排, 面膜, 包子"
        ),
        "timer_command": _list(
            "关灯, 打开车库门, 拉上窗帘, 启动洗衣机, 锁门, 打开咖啡机, 暂停音乐, 关掉暖气, 喂猫, 打开窗帘, "
            "打开门廊灯, 停止浇水, 电视静音, 开始扫地, 给花浇水, 关掉风扇, 关上大门, 放点爵士乐, 音量小一点, 打开烤箱"
        ),
        "shopping_list_item": _list(
            "牛奶, 面包, 鸡蛋, 黄油, 苹果, 橄榄油, 卫生纸, 咖啡, 奶酪, 西红柿, 大米, 鸡肉, 橙汁, 洗洁精, 香蕉, 面条, "
            "面粉, 洋葱, 黑巧克力, 电池, 麦片, 酸奶, 土豆, 洗发水, 绿茶, 三文鱼, 白糖, 猫粮, 柠檬, 花生酱, 菠菜, "
            "蜂蜜, 胡萝卜, 豆腐, 酱油"
        ),
        "todo_list_item": _list(
            "给牙医打电话, 浇花, 交房租, 洗车, 遛狗, 订机票, 修自行车, 换护照, 熨衬衫, 给小李写信, 买礼物, 剪草坪, "
            "还书, 给电钻充电, 擦窗户, 换轮胎, 倒垃圾, 刷栅栏, 吸楼梯, 整理照片, 报税, 换滤芯, 看望奶奶, 烤蛋糕, "
            "取快递, 取消会员, 缝扣子, 清理冰箱, 准备聚会, 扫地"
        ),
    },
}

DEVICES: dict[str, dict[str, list[str]]] = {
    "en": {
        "light": _list(
            "bedside lamp, reading light, chandelier, ceiling light, floor lamp, desk lamp, fairy lights, "
            "night light, spotlights, lava lamp, wall light, christmas lights, mirror light, led strip, piano lamp, "
            "aquarium light, picture light, lantern, pendant, globe lamp"
        ),
        "switch": _list(
            "coffee maker, kettle, heater, dehumidifier, toaster, water pump, sprinkler, christmas tree, "
            "towel warmer, espresso machine, router, humidifier, slow cooker, boiler, fountain, printer, "
            "air purifier, iron, oven, charger"
        ),
        "fan": _list(
            "ceiling fan, tower fan, desk fan, extractor, exhaust fan, ventilator, pedestal fan, blower, window fan, "
            "box fan, air circulator, cooling fan"
        ),
        "media_player": _list(
            "tv, television, stereo, radio, apple tv, smart speaker, soundbar, record player, projector, chromecast, "
            "echo dot, home theater, playstation, boombox, sonos, amplifier, xbox, jukebox, nest mini, receiver"
        ),
        "input_boolean": _list("guest mode, vacation mode, night mode, party mode, quiet mode, away mode, test mode"),
        "climate": _list(
            "thermostat, air conditioner, radiator, heat pump, underfloor heating, ac unit, central heating, hvac, "
            "towel radiator, convector, smart thermostat, split unit"
        ),
        "cover": _list(
            "left blind, right curtain, roller shutter, skylight, velux, big awning, roman shade, drapes, sun sail, "
            "venetian blind, roof window, front shutter, patio shade, projector screen, side gate"
        ),
        "valve": _list(
            "water valve, gas valve, main valve, irrigation valve, hose valve, sprinkler valve, drip line, "
            "pool valve, greenhouse valve, boiler valve"
        ),
        "lock": _list(
            "front door, back door, side door, cellar door, front gate, safe, shed door, smart lock, mailbox, "
            "balcony door, bike locker, deadbolt"
        ),
        "binary_sensor": _list(
            "phone, motion sensor, smoke alarm, water leak sensor, door sensor, tablet, window contact, doorbell, "
            "laptop, freezer, car battery, gas detector, washing machine, dryer, robot battery"
        ),
        "sensor": _list(
            "outside temperature, solar power, water meter, air quality, electric meter, rain gauge, wind speed, "
            "humidity sensor, outdoor humidity, power usage, soil moisture, battery level, pool temperature, "
            "carbon monoxide, gas meter"
        ),
        "person": _list(
            "alice, bob, carol, david, emma, frank, grace, henry, isabel, jack, karen, liam, maria, noah, olivia, "
            "paul, rosa, sam, tina, victor, mom, dad, uncle joe, aunt may, zoe"
        ),
        "weather": _list(
            "london, paris, new york, berlin, tokyo, chicago, madrid, rome, san francisco, dublin, oslo, vienna, "
            "seattle, mexico city, sydney"
        ),
        "todo": _list(
            "todo, chores, weekend, holiday, packing, homework, birthday, work, garden, gift, renovation, errands, "
            "reading, party, cleaning"
        ),
        "vacuum": _list("roomba, robot, rover, dusty, robovac, deebot, sweeper, vacuum cleaner, hoover, dustbuster"),
        "lawn_mower": _list("husky, lawn robot, grass eater, automower, worx, robomow, shaun, gardena, clippy, goat"),
        "scene": _list(
            "movie night, good morning, bedtime, dinner, romantic, party time, focus, reading time, sunset, relax, "
            "wake up, game night, candlelight, arrival, deep sleep, yoga, brunch, thunderstorm, disco, forest"
        ),
        "button": _list("restart router, reset counter, ring bell, gate opener, identify, call elevator, reboot nas"),
        "input_button": _list("panic button, test alarm, next slide, snooze, feed fish, take photo, sync lights"),
        "script": _list(
            "goodnight routine, morning routine, leaving home, watering plan, cleaning program, alarm test, "
            "laundry reminder, arrival routine, backup job, holiday lighting"
        ),
    },
    "zh": {
        "light": _list(
            "水晶灯, 阅读灯, 夜灯, 落地灯, 壁灯, 灯带, 镜前灯, 圣诞灯, 鱼缸灯, 氛围灯, 橱柜灯, 钢琴灯, 彩灯, 感应灯, "
            "吊灯"
        ),
        "switch": _list(
            "咖啡机, 热水壶, 取暖器, 除湿机, 烤面包机, 水泵, 喷灌器, 插座, 路由器, 加湿器, 电饭煲, 热水器, 喷泉, "
            "打印机, 净化器, 饮水机, 电热毯, 烤箱, 充电器, 豆浆机"
        ),
        "fan": _list("电风扇, 落地扇, 台扇, 排气扇, 换气扇, 塔扇, 循环扇, 新风机, 抽油烟机, 无叶扇, 壁扇, 通风扇"),
        "media_player": _list(
            "电视, 电视机, 音响, 收音机, 智能音箱, 回音壁, 唱片机, 投影仪, 小爱同学, 家庭影院, 游戏机, 功放, 机顶盒, "
            "天猫精灵, 蓝牙音箱"
        ),
        "input_boolean": _list("访客模式, 度假模式, 夜间模式, 聚会模式, 安静模式, 离家模式, 测试模式"),
        "climate": _list("空调, 恒温器, 暖气片, 地暖, 中央空调, 热泵, 壁挂炉, 立式空调, 温控器, 挂机, 电暖器, 水暖"),
        "cover": _list(
            "左窗帘, 右窗帘, 卷帘门, 天窗, 遮光帘, 纱帘, 大雨棚, 罗马帘, 投影幕, 侧门, 百叶, 电动帘, 幕布, 移门, 升降帘"
        ),
        "valve": _list("水阀, 燃气阀, 总阀, 灌溉阀, 水管阀, 喷淋阀, 滴灌阀, 泳池阀, 温室阀, 锅炉阀"),
        "lock": _list("前门, 后门, 防盗门, 指纹锁, 保险箱, 智能锁, 院门锁, 信箱, 阳台门, 车棚锁, 入户门, 密码锁"),
        "binary_sensor": _list(
            "手机, 人体传感器, 烟雾报警器, 漏水传感器, 门磁, 平板, 窗磁, 门铃, 笔记本, 冰柜, 车载电池, 燃气报警器, "
            "洗衣机, 烘干机, 扫地机电池"
        ),
        "sensor": _list(
            "室外温度, 太阳能功率, 水表, 空气质量, 电表, 雨量计, 风速计, 湿度计, 室外湿度, 用电量, 土壤湿度, "
            "电池电量, 泳池水温, 一氧化碳, 燃气表"
        ),
        "person": _list(
            "小明, 小红, 小李, 王芳, 张伟, 李娜, 刘洋, 陈静, 杨帆, 赵磊, 妈妈, 爸爸, 爷爷, 奶奶, 周杰, 吴敏, 孙丽, "
            "哥哥, 姐姐, 弟弟, 老王, 小张, 林涛, 高翔, 外婆"
        ),
        "weather": _list("北京, 上海, 广州, 深圳, 杭州, 成都, 南京, 武汉, 西安, 重庆, 苏州, 天津, 青岛, 大连, 昆明"),
        "todo": _list(
            "待办清单, 家务清单, 周末计划, 旅行清单, 作业清单, 生日计划, 工作清单, 装修清单, 礼物清单, 行李清单"
        ),
        "vacuum": _list("扫地机, 小白, 石头, 科沃斯, 吸尘器, 米家扫地机, 扫拖一体机, 小旋风, 云鲸, 追觅"),
        "lawn_mower": _list("草坪机器人, 小绿, 割草一号, 剪草机, 九号, 自动割草机, 草坪精灵, 小羊, 园丁, 修草机"),
        "scene": _list(
            "观影, 早安, 晚安, 晚餐, 浪漫, 聚会, 专注, 阅读, 日落, 放松, 起床, 游戏, 烛光, 回家, 深睡, 瑜伽, 早午餐, "
            "雷雨, 迪斯科, 森林"
        ),
        "script": _list(
            "晚安流程, 早安流程, 离家流程, 浇水计划, 清洁程序, 警报测试, 洗衣提醒, 回家流程, 备份任务, 节日灯光"
        ),
    },
}
"""Devices by their domain."""
