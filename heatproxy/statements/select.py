"""x"""
async def handle(session, statement):
    return None
