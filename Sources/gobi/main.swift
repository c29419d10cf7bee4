print("gobi")
